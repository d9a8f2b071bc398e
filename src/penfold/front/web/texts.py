"""Every sentence of the pages for signing in and for the account, in one table.

A translation is another table with the same keys. Values in braces are filled in as text and
escaped with it; a sentence holds no HTML.
"""

from typing import Final

LANGUAGE: Final = "en"

ENGLISH: Final[dict[str, str]] = {
    # signing in
    "sign_in": "Sign in",
    "sign_in_to": "to continue to {client}",
    "sign_in_domain": "with an account of {domain}",
    "address": "Email address",
    "password": "Password",
    "local_passwords": "Local mode: the passwords are in",
    "wrong_password": "The address or the password is not right.",
    "too_many": "Too many attempts. Try again in {when}.",
    "minute": "a minute",
    "minutes": "{number} minutes",
    "stale": "This form is not from a page of ours, or it is too old.",
    "start_again": "Please start again",
    "error": "Error: {title}",
    "passkey_use": "Sign in with a passkey",
    "passkey_wrong": "The passkey was not accepted. Try again, or sign in in another way.",
    "passkey_failed": "The browser did not give a passkey. Try again, or sign in in another way.",
    # a provider of OpenID Connect
    "provider_use": "Sign in with {name}",
    "provider_nobody": "You are not signed in",
    "provider_back": "Back to the sign-in page",
    "provider_stale": "This sign-in was begun in another browser, or too long ago.",
    "provider_stale_advice": "Go back and begin again.",
    "provider_denied": "{name} did not let you in: you, or it, said no.",
    "provider_denied_advice": "Try again, or sign in with your password.",
    "provider_silent": "{name} does not answer.",
    "provider_silent_advice": "Try again in a minute, or sign in with your password.",
    "provider_failed": "{name} and this server do not get on with each other.",
    "provider_failed_advice": (
        "Sign in with your password, and tell who runs this server; its log says what was wrong."
    ),
    "provider_untrusted": "What {name} answered proves nothing, so nobody was signed in.",
    "provider_untrusted_advice": (
        "Try again. If it stays like that, tell who runs this server; its log says what was wrong."
    ),
    "provider_no_address": "{name} does not say which email address you have.",
    "provider_no_address_advice": (
        "Add your address to your account there, or sign in with your password."
    ),
    "provider_unverified": "{name} has not made sure that {address} is your address.",
    "provider_unverified_advice": (
        "Confirm the address there and try again, or sign in with your password."
    ),
    "provider_unknown": "There is no account {address} here.",
    "provider_unknown_advice": (
        "If you have another account at {name}, sign in to that one there first. "
        "If {address} should have an account here, ask who runs this server."
    ),
    "provider_suspended": "The account {address} is suspended.",
    "provider_suspended_advice": "Ask who runs this server.",
    "provider_taken": "{address} belongs to somebody else at {name} than the one you are there.",
    "provider_taken_advice": (
        "If the account here is yours, sign in with its password, remove the sign-in by {name} "
        "at your account, and try again."
    ),
    "provider_elsewhere": "At {name} you are known as the owner of another account here.",
    "provider_elsewhere_advice": (
        "If {address} is your account now, sign in to the other one, remove the sign-in by {name} "
        "there, and try again. Or ask who runs this server."
    ),
    # second factor
    "second": "One more step",
    "second_lead": "{account} asks for more than a password.",
    "code": "Code from your authenticator app",
    "code_or_recovery": "or a recovery code",
    "wrong_code": "This code is not right, or it was used already. Wait for the next one.",
    "continue": "Continue",
    "sign_in_anew": "Sign in as somebody else",
    # device
    "device": "Let a device in",
    "device_lead": "Type the code that your television or other device shows.",
    "device_code": "Code",
    "device_wrong": "This code is not right, or it is too old. The device can show a new one.",
    "device_asks": "{client} wants to know who you are",
    "device_can": "If you allow it, {client} can:",
    "device_warning": (
        "Allow it only if {code} is what a device of your own shows. Nobody else has a reason to "
        "give you such a code."
    ),
    "device_asked": "Asked for at {time} from {address}.",
    "device_allowed": "The device is let in",
    "device_denied": "The device is not let in",
    "device_back": "Go back to {client}; it goes on by itself.",
    "device_nothing": "{client} has learned nothing about you.",
    "not_you": "Not you? Use another account",
    "allow": "Allow",
    "deny": "Deny",
    # account
    "account": "Your account",
    "other_accounts": "Other accounts of this browser",
    "sign_out": "Sign out",
    "back": "Back to your account",
    "never": "never",
    "since": "since {time}",
    "used": "last used {time}",
    "remove": "Remove",
    "remove_named": "Remove {name}",
    # apps
    "apps": "Apps with access",
    "apps_none": "No application has access to this account.",
    "apps_lead": "An app you remove is refused at once. It can ask again.",
    # sessions
    "sessions": "Where you are signed in",
    "this_browser": "This browser",
    "from": "from {address}",
    "session_from": "{agent}, from {address}",
    "unknown_browser": "An unknown browser",
    "unknown_address": "an unknown address",
    "end": "Sign out there",
    "end_named": "Sign out there: {name}",
    "end_others": "Sign out everywhere else",
    # second factors
    "factors": "Second factors",
    "factors_lead": "With one of these a stolen password is not enough to sign in.",
    "totp": "Authenticator app",
    "totp_none": "Not set up.",
    "totp_add": "Set up an authenticator app",
    "totp_replace": "Set up another one",
    "totp_lead": "Scan the picture with an app for one-time codes, then type the code it shows.",
    "totp_picture": "A QR code with the secret below",
    "totp_secret": "Or type this secret into the app:",
    "totp_wrong": "This is not the code of now. Is the clock of the telephone right?",
    "recovery": "Recovery codes",
    "recovery_left": "{number} left.",
    "recovery_none": "None. Without them a lost telephone locks you out.",
    "recovery_make": "Make recovery codes",
    "recovery_lead": (
        "Each of these lets you in once without a second factor. Print them or write them down; "
        "they are not shown again."
    ),
    "recovery_old": "The codes you had before are good no more.",
    "recovery_save": "I have kept them",
    "passkeys": "Passkeys",
    "passkeys_none": "There are none.",
    "passkey_add": "Add a passkey",
    "passkey_lead": (
        "A passkey signs you in with your finger, your face or a PIN, without a password."
    ),
    "passkey_label": "What to call it",
    "passkey_default": "Passkey",
    "passkey_nowhere": "Passkeys need HTTPS and a name: they do not work at this address.",
    "passkey_script": "Passkeys need JavaScript. Everything else here works without it.",
    # sign-in by a provider
    "providers": "Sign-in by others",
    "providers_lead": (
        "With the account you have there you sign in here, without a password or a second factor. "
        "What you remove is made again by the next one who signs in there with your address."
    ),
    # app passwords
    "app_passwords": "App passwords",
    "app_passwords_lead": "For programs that send mail by SMTP.",
    "app_passwords_none": "There are none.",
    "app_password_add": "Make an app password",
    "app_password_shown": "This is the new password. It is not shown again:",
    "app_password_label": "What it is for",
    "app_password_save": "I have copied it",
    "app_password_unnamed": "App password",
    "too_many_kept": "There are too many already. Remove one first.",
    # password
    "password_change": "Change the password",
    "password_lead": (
        "This signs you out everywhere else and ends the access of your apps and app passwords."
    ),
    "password_lead_kept": (
        "This signs you out everywhere else and ends your app passwords. Apps keep their access."
    ),
    "password_new": "New password",
    "password_again": "New password once more",
    "password_rule": "At least {least} characters.",
    "password_differs": "The two are not the same.",
    "password_short": "A password has {least} to {most} characters.",
    # proving
    "prove": "Is it you?",
    "prove_lead": "Type the password of {account} again to go on.",
    "prove_wrong": "The password is not right.",
}


def say(key: str, **values: object) -> str:
    """Return a sentence; KeyError for one that is not in the table."""
    return ENGLISH[key].format(**values)
