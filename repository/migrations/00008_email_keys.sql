-- The key of the mailbox that an e-mail leads to, by identity.MailboxKey: docs/adr/0003-folded-email.md.
--
-- What older servers leave out: the key of the users whom they insert. NULL means that it is email_folded
-- where that is in ASCII, and else that it has not been computed yet. Servers that know the column compute
-- it at their start and from time to time (docs/operations.md, "Mailboxes"); until then such a user is found
-- by the spelling that was given, in any case.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE users ADD COLUMN email_key text;

-- +goose Down
ALTER TABLE users DROP COLUMN email_key;
