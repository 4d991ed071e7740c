"""What can be wrong with a transfer."""


class TransferError(Exception):
    """A transfer that cannot be made; the message says what is wrong and what would be right."""
