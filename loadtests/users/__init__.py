"""The kinds of user, one file each; `MailUser` in `base` is what to extend for one of your own."""
