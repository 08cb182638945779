package auth

// Remembered reports whether the keychain has verified the signature before.
func (c *Credentials) Remembered() bool { return c.verifiedBy != nil }
