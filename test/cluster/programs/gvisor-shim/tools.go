//go:build tools

// Package tools names the program that is built from this module: what containerd 1.6 starts pods of gVisor with. Later
// versions of it speak to later versions of containerd only.
package tools

import _ "gvisor.dev/gvisor/shim"
