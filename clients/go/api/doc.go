// Package api is what oapi-codegen makes of openapi.yaml for the client: the types of
// parameters and answers, a method for each operation, and [Operations]. Package
// barong/clients/go signs its requests. Nothing in it is written by hand but this file,
// date.go, and the settings of the generator.
package api
