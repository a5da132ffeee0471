//go:build !linux

package git

import "os"

// open opens what is at a resolved path.
func (s *disk) open(name string) (*os.File, error) { return s.base.Open(name) }
