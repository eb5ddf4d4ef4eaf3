// Package sys stands in for containerd's package of that name in the build of gVisor's shim, which asks to be spared by
// the kernel's out-of-memory killer and does not start when it may not: lowering the score takes CAP_SYS_RESOURCE.
package sys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The bounds of a score, as the kernel has them.
const (
	OOMScoreAdjMin = -1000
	OOMScoreAdjMax = 1000
)

// SetOOMScore sets the score of a process where this is allowed, and does nothing where it is not.
func SetOOMScore(pid, score int) error {
	err := os.WriteFile(scoreFile(pid), []byte(strconv.Itoa(score)), 0o644)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// AdjustOOMScore is the same: the original keeps scores within bounds that users without rights may set.
func AdjustOOMScore(pid, score int) error {
	return SetOOMScore(pid, score)
}

// GetOOMScoreAdj reads the score of a process.
func GetOOMScoreAdj(pid int) (int, error) {
	text, err := os.ReadFile(scoreFile(pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func scoreFile(pid int) string {
	return filepath.Join("/proc", strconv.Itoa(pid), "oom_score_adj")
}
