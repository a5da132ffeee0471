package main

import "runtime"

// unhurried is for commands that hold much for a second or two: the first collections
// of garbage, of a heap that is still small, are left out. The collector begins when
// as much again is in use as there was, and counts what is taken here, of which
// nothing is ever touched.
func unhurried() (end func()) {
	unused := make([]byte, 64<<20)
	return func() { runtime.KeepAlive(unused) }
}
