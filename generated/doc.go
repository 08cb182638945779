// Package generated is what oapi-codegen makes of openapi.yaml: models, the chi
// server with its strict interface, and the specification itself.
// Nothing in it is written by hand but this file, the generator's settings and
// overlay.yaml, which says what the public document does not tell about Go.
package generated
