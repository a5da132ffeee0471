package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	sets "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	askpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	repos "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/common"
)

// nameVariable is how Argo CD's one program is told which of them it is to be, when its
// own name does not say so: git's question for a password comes in this way.
const nameVariable = "ARGOCD_BINARY_NAME"

// A part is one of Argo CD's programs.
type part struct {
	name    string
	command func() *cobra.Command
	// args are its flags, and healthz is what answers once it can work.
	args    func(o options, a addresses) []string
	healthz func(a addresses) string
}

// parts are those that run, in the order in which they start.
var parts = []part{
	{common.CommandRepoServer, repos.NewCommand, func(_ options, a addresses) []string {
		host, port, _ := net.SplitHostPort(a.repoServer)
		_, metrics, _ := net.SplitHostPort(a.repoMetrics)
		return []string{"--address", host, "--port", port, "--metrics-address", host, "--metrics-port", metrics, "--redis", a.redis, "--disable-tls", "--client-ca-path", ""}
	}, func(a addresses) string { return "http://" + a.repoMetrics + "/healthz?full=true" }},
	{common.CommandApplicationController, controller.NewCommand, func(o options, a addresses) []string {
		_, metrics, _ := net.SplitHostPort(a.controllerMetrics)
		return []string{
			"--kubeconfig", o.kubeconfig, "--namespace", o.namespace, "--metrics-port", metrics, "--redis", a.redis,
			"--repo-server", a.repoServer, "--repo-server-plaintext",
		}
	}, func(a addresses) string { return "http://" + a.controllerMetrics + "/healthz" }},
	{common.CommandApplicationSetController, sets.NewCommand, func(o options, a addresses) []string {
		return []string{
			"--kubeconfig", o.kubeconfig, "--namespace", o.namespace, "--argocd-repo-server", a.repoServer, "--repo-server-plaintext",
			"--metrics-addr", a.setMetrics, "--webhook-addr", a.webhook, "--probe-addr", "127.0.0.1:0",
		}
	}, func(a addresses) string { return "http://" + a.setMetrics + "/metrics" }},
}

// answers is what git asks for passwords.
var answers = part{name: common.CommandGitAskPass, command: askpass.NewCommand}

// asked is the part that this process is to be.
func asked(args []string) (part, bool) {
	name := os.Getenv(nameVariable)
	for _, p := range append([]part{answers}, parts...) {
		if name == p.name && len(args) > 0 {
			return p, true
		}
	}
	return part{}, false
}

// run is the whole of a part's process.
func (p part) run() int {
	command := p.command()
	command.SilenceUsage = true
	if err := command.Execute(); err != nil {
		return exitFailed // it has said why
	}
	return exitOK
}

// environment has the parts keep to the directory and the cluster.
func environment(o options) []string {
	in := func(names ...string) string { return filepath.Join(append([]string{o.dir}, names...)...) }
	return append(os.Environ(),
		"PATH="+in("bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+in("home"), "TMPDIR="+in("tmp"), "KUBECONFIG="+o.kubeconfig,
		"ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_GPG_ENABLED=false",
		"ARGOCD_TLS_DATA_PATH="+in("tls"), "ARGOCD_SSH_DATA_PATH="+in("ssh"),
		"ARGOCD_PLUGINSOCKFILEPATH="+in("plugins"), "ARGOCD_ASK_PASS_SOCK="+in("askpass.sock"),
	)
}

// directories are those of environment.
var directories = []string{"bin", "home", "tmp", "tls", "ssh", "plugins", logsDir}

// addresses are where the parts listen.
type addresses struct{ redis, repoServer, repoMetrics, controllerMetrics, webhook, setMetrics string }

// newAddresses finds addresses of this machine that are free now.
func newAddresses() (a addresses, err error) {
	for _, to := range []*string{&a.repoServer, &a.repoMetrics, &a.controllerMetrics, &a.webhook, &a.setMetrics} {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return a, err
		}
		defer listener.Close() // after the last has been found, so that all differ
		*to = net.JoinHostPort("127.0.0.1", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
	return a, nil
}
