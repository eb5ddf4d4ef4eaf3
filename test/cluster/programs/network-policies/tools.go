//go:build tools

// Package tools names the program that is built from this module, unmodified.
package tools

import _ "sigs.k8s.io/kube-network-policies/cmd"
