package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/tidelock-io/tidelock/cmd/devcluster/node"
)

const nodeName = "devcluster"

// readyTimeout bounds each of the two waits at the start. On a machine of any
// speed they take seconds.
const readyTimeout = 2 * time.Minute

const upHelp = `Run a cluster in the foreground until SIGINT or SIGTERM. Once it is ready, write
DIR/kubeconfig and print "ready: DIR/kubeconfig" on stdout; that file is not there before.
All state is under DIR: started again on the same DIR, the cluster is as it was.
Clusters in different directories run side by side.

With --api-only there are etcd and the API server, and nothing that acts on what
is applied: no controllers and no node. That is ready in half the time, and enough
to be asked what an API server says of objects. With --discard DIR is removed at
the end, so that nothing stays; it must not be there before.

Exit status: 0 stopped by a signal; 1 failed, or a part of the cluster died (the
error says which, with the end of its log); 2 wrong usage.`

const upExample = `  devcluster up --dir /tmp/dev
  devcluster up --dir /tmp/dev --port 6443
  devcluster up --dir /tmp/dev --audit-log /tmp/dev/audit.jsonl
  devcluster up --dir /tmp/dev --api-only --discard --emulate 1.35`

type upOptions struct {
	dir         string
	port        int
	auditLog    string
	auditPolicy string
	apiOnly     bool
	discard     bool
	emulate     string
}

func upCommand() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:     "up --dir DIR",
		Short:   "Run a cluster in the foreground",
		Long:    upHelp,
		Example: upExample,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return up(ctx, o, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "directory of the cluster; made if it is not there (required)")
	f.IntVar(&o.port, "port", 0, "port of the API server on 127.0.0.1 (default any free one)")
	f.StringVar(&o.auditLog, "audit-log", "", "append an audit event per request to this file; with the default policy it holds Secrets")
	f.StringVar(&o.auditPolicy, "audit-policy", "", "what to audit (default everything, with both bodies)")
	f.BoolVar(&o.apiOnly, "api-only", false, "run no controllers and no node")
	f.BoolVar(&o.discard, "discard", false, "remove the directory at the end")
	f.StringVar(&o.emulate, "emulate", "", "serve the API of an older `VERSION` of Kubernetes: one of the three before")
	return cmd
}

func (o *upOptions) validate() error {
	switch {
	case o.dir == "":
		return usageError{errors.New("--dir is required (see devcluster up --help)")}
	case o.port < 0 || o.port > 65535:
		return usageError{fmt.Errorf("--port %d: not a port", o.port)}
	case o.auditPolicy != "" && o.auditLog == "":
		return usageError{errors.New("--audit-policy is of no use without --audit-log")}
	}
	return nil
}

// up runs a cluster until ctx ends, which is no error, or a part of it does.
func up(ctx context.Context, o upOptions, stdout io.Writer) error {
	if _, err := os.Lstat(o.dir); o.discard && err == nil {
		return fmt.Errorf("%s is there already, and --discard would remove it", o.dir)
	}
	dir, err := openDirectory(o.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if o.discard {
		defer os.RemoveAll(dir.path)
	}

	parts, partsCtx := newFamily(ctx, dir)
	err = bringUp(partsCtx, o, dir, parts)
	if err == nil {
		fmt.Fprintln(stdout, "ready:", filepath.Join(o.dir, kubeconfigFile))
		<-partsCtx.Done()
	}
	if o.discard {
		parts.kill() // nothing is kept that had to be written down
	}
	if died := parts.stop(); died != nil {
		return died // and whatever failed, failed because of it
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// bringUp starts the parts in the order in which they need each other and
// returns once the cluster is ready for use.
func bringUp(ctx context.Context, o upOptions, dir *directory, parts *family) error {
	if err := os.Remove(dir.file(kubeconfigFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	creds, err := dir.credentials()
	if err != nil {
		return err
	}
	if err := parts.start(etcdName, etcdFlags()); err != nil {
		return err
	}
	address, err := startAPIServer(ctx, o, dir, parts)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(creds.config(nodeUser, address))
	if err != nil {
		return err
	}
	if err := waitUntil(ctx, "the API server is ready", func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	if !o.apiOnly {
		if err := startActors(ctx, dir, parts, creds, address, client); err != nil {
			return err
		}
	}
	kubeconfig, err := creds.kubeconfig(adminUser, address)
	if err != nil {
		return err
	}
	return dir.write(kubeconfigFile, kubeconfig)
}

// startActors starts what acts on what is applied.
func startActors(ctx context.Context, dir *directory, parts *family, creds *credentials, address string, client kubernetes.Interface) error {
	if err := startControllerManager(dir, parts, creds, address); err != nil {
		return err
	}
	if err := startNode(ctx, dir, parts, client); err != nil {
		return err
	}
	// The service account comes last: its controller waits for the namespace.
	return waitUntil(ctx, "the default service account is there", func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// startAPIServer returns the address of the API server, which takes
// connections from then on and answers them when it can.
func startAPIServer(ctx context.Context, o upOptions, dir *directory, parts *family) (string, error) {
	policy, audit := auditPolicy, o.auditLog
	if o.auditPolicy != "" {
		var err error
		if policy, err = os.ReadFile(o.auditPolicy); err != nil {
			return "", err
		}
	}
	if audit != "" {
		var err error
		if audit, err = filepath.Abs(audit); err != nil {
			return "", err
		}
	}
	if err := dir.write(auditPolicyFile, policy); err != nil {
		return "", err
	}
	if err := dir.write(authenticationFile, authentication); err != nil {
		return "", err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return "", err
	}
	defer file.Close()
	return listener.Addr().String(), parts.start(apiServerName, apiServerFlags(o, audit, auditPolicyFile), file)
}

func startControllerManager(dir *directory, parts *family, creds *credentials, address string) error {
	kubeconfig, err := creds.kubeconfig(controllerUser, address)
	if err != nil {
		return err
	}
	if err := dir.write(controllerKubeconfigFile, kubeconfig); err != nil {
		return err
	}
	return parts.start(controllerManagerName, controllerManagerFlags())
}

func startNode(ctx context.Context, dir *directory, parts *family, client kubernetes.Interface) error {
	log, err := os.Create(dir.file(logsDir, "node.log"))
	if err != nil {
		return err
	}
	klog.SetSlogLogger(slog.New(slog.NewTextHandler(log, nil))) // what client-go and the node log with

	n := &node.Node{Name: nodeName, Client: client}
	if err := n.Register(ctx); err != nil {
		return fmt.Errorf("register node: %w", err)
	}
	parts.group.Go(func() error { return n.Run(ctx) })
	return nil
}

// waitUntil tries something until it succeeds. Its error is the last one.
func waitUntil(ctx context.Context, what string, try func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, readyTimeout, true, func(ctx context.Context) (bool, error) {
		last = try(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waited until %s: %w (%w)", what, err, last)
	}
	return nil
}
