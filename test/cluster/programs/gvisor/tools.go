//go:build tools

// Package tools names the program that is built from this module: gVisor's container runtime.
package tools

import _ "gvisor.dev/gvisor/runsc"
