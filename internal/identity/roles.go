package identity

import "slices"

// HasRole reports whether this API may give an account the role.
func (p Policy) HasRole(role string) bool { return slices.Contains(p.Roles, role) }
