//go:build !linux

package sandbox

import (
	"fmt"
	"runtime"
)

func enter(Grants) Status {
	return Status{Missing: []string{fmt.Sprintf("no sandbox exists for %s", runtime.GOOS)}}
}
