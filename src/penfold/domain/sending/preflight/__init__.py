"""Looking at an email before it is sent: what would be found by those who receive it."""
