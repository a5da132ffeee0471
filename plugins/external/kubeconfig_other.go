//go:build !linux

package main

import "os"

// writeKubeconfig puts text, which is no secret, into a temporary file. Only
// Linux has a sandbox that would forbid to read it.
func writeKubeconfig(text string) (path string, err error) {
	file, err := os.CreateTemp("", "tidelock-kubeconfig-*")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = file.WriteString(text)
	return file.Name(), err
}
