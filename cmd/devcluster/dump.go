package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	dumpPage    = 500 // keys read at once
	dumpTimeout = 5 * time.Second
)

const dumpHelp = `Print every key of the running cluster's etcd and its value, a line each, as the bytes
that are stored. Built-in objects are stored as protocol buffers, in which strings and
the data of Secrets stand as they are, and custom resources as JSON; nothing is encrypted.
So searching the output (grep -a) tells whether a text is stored anywhere, and the
nearest line above that starts with /registry/ where.

Exit status: 0 all was printed; 1 failed; 2 wrong usage.`

func dumpCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "dump --dir DIR",
		Short:   "Print all that the running cluster stores, as it is",
		Long:    dumpHelp,
		Example: `  devcluster dump --dir /tmp/dev | grep -a password`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usageError{errors.New("--dir is required (see devcluster dump --help)")}
			}
			return dump(cmd.Context(), dir, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory of the cluster (required)")
	return cmd
}

func dump(ctx context.Context, dir string, w io.Writer) error {
	// The socket is addressed from within the directory, see dir.go.
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if _, err := os.Stat(etcdSocket); err != nil {
		return fmt.Errorf("no cluster is running in %s: %w", filepath.Clean(dir), err)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"unix://" + etcdSocket},
		Logger:    zap.NewNop(),
		Context:   ctx,
	})
	if err != nil {
		return err
	}
	defer client.Close()

	out := bufio.NewWriter(w)
	if err := dumpKeys(ctx, client, out); err != nil {
		return fmt.Errorf("read etcd in %s: %w", dir, err)
	}
	return out.Flush()
}

// dumpKeys reads page by page, all of one revision.
func dumpKeys(ctx context.Context, client *clientv3.Client, w io.Writer) error {
	for key, revision := "\x00", int64(0); ; {
		page, err := readPage(ctx, client, key, revision)
		if err != nil {
			return err
		}
		for _, kv := range page.Kvs {
			if _, err := fmt.Fprintf(w, "%s\n%s\n", kv.Key, kv.Value); err != nil {
				return err
			}
			key = string(kv.Key) + "\x00" // the next key possible
		}
		if !page.More {
			return nil
		}
		revision = page.Header.Revision
	}
}

func readPage(ctx context.Context, client *clientv3.Client, from string, revision int64) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, dumpTimeout)
	defer cancel()
	return client.Get(ctx, from, clientv3.WithFromKey(), clientv3.WithLimit(dumpPage), clientv3.WithRev(revision))
}
