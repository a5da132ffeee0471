package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Main is what TestMain calls in a package whose tests share a cluster: it
// starts one with bin/devcluster, puts it into *env, runs the tests and exits.
func Main(m interface{ Run() int }, env **Cluster) {
	status, err := run(m, env)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func run(m interface{ Run() int }, env **Cluster) (status int, err error) {
	dir, err := os.MkdirTemp("", "tidelock-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	root, err := Root()
	if err != nil {
		return 0, err
	}
	bin := Binaries{Devcluster: filepath.Join(root, "bin", "devcluster")}
	if *env, err = StartCluster(context.Background(), bin, dir); err != nil {
		return 0, fmt.Errorf("%w\nhint: make bin/devcluster", err)
	}
	defer func() { err = errors.Join(err, (*env).Stop()) }()
	return m.Run(), nil
}
