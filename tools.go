//go:build generate

// Package main's generators, pinned by go.mod: `make generate` runs the lines
// below and nothing else makes the files they name.
package main

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config generated/models.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config generated/server.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config generated/spec.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config clients/go/api/client.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config clients/go/api/operations.yaml openapi.yaml
