"""Templates of mail: Liquid in HTML or MJML, checked when compiled and bounded when rendered."""
