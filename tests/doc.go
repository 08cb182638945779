// Package tests drives the real server, on a real Postgres, through the generated
// client. Every answer is held against openapi.yaml, and a full run fails when
// an operation was never called.
package tests
