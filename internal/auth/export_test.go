package auth

// Remembered says whether the keychain knows that the signature has held.
func (c *Credentials) Remembered() bool { return c.verifiedBy != nil }
