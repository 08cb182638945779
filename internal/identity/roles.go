package identity

import "slices"

// defaultRoles are the roles that Barong's seeds know, except superadmin.
var defaultRoles = []string{
	"admin", "technical", "accountant", "compliance", "support", "broker", "trader", "maker", "sa_maker", "manager", "partner", RoleMember,
	"service_account",
}

// HasRole reports whether this API may give an account the role.
func (Policy) HasRole(role string) bool { return slices.Contains(defaultRoles, role) }
