// Package api is generated from openapi.yaml by oapi-codegen: the types of parameters and
// responses, a method for each operation, and [Operations]. Package barong/clients/go signs
// its requests. Only this file, date.go and the generator's configuration are written by hand.
package api
