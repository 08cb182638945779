// Package generated is what oapi-codegen makes of openapi.yaml: models, the chi
// server with its strict interface, the specification itself, and a client.
// Nothing in it is written by hand but this file and the generator's settings.
package generated
