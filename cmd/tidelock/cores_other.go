//go:build !linux

package main

func noCores() error   { return nil }
func noTracing() error { return nil }
