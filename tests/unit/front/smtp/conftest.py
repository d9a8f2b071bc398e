"""The certificate of the dialogues serves here too."""

from tests.dialogue.conftest import tls_contexts

__all__ = ["tls_contexts"]
