package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/memory"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/notify"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/agent/sets"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/agent/trace"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// The pace, unless a flag or ConfigMap argocd-cm says otherwise: how often an
// Application is looked at without a reason, which is also how long a failed
// revision rests, and how often a repository is asked for news.
const (
	defaultRefresh = 3 * time.Minute
	defaultPoll    = 2 * time.Minute
)

type agentOptions struct {
	kubeconfig       string
	namespace        string
	namespaces       []string
	setNamespaces    []string
	scmProviders     []string
	scmEnabled       bool
	strictTokens     bool
	destinations     []string
	sealingNamespace string
	sealedSecrets    string
	sealedV1         bool
	listen           string
	metricsListen    string
	replicasListen   string
	replicaAddress   string
	leaseDuration    time.Duration
	cacheDir         string
	webhookSecret    string
	pollInterval     time.Duration
	refresh          time.Duration
	syncTimeout      time.Duration
	impersonate      bool
	shadow           bool
	shadowDryRuns    bool
	ignoreArgo       bool
	submodules       bool
	globbing         bool
	setPolicy        string
	setOverride      bool
	setDryRun        bool
	rolling          bool
	preserved        struct{ annotations, labels []string }
	plugins          pluginOptions
	debug            bool
	logLevel         string
	logFormat        string
	debugListen      string
	otlpEndpoint     string
	traceRatio       float64

	metricsLabels, metricsConditions, metricsClusterLabels, metricsSetLabels []string

	notifications bool
	selfService   bool

	clusterTimeout time.Duration
	clusterExec    []string

	insistRefresh, insistPoll bool // the flags were given, and count before argocd-cm
}

func newAgentCommand() *cobra.Command {
	var o agentOptions
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Keep a cluster as Git says: the in-cluster agent",
		Long: `Watch the Applications of a namespace and keep their objects as Git says.

It logs JSON to stderr, one event a line; at SIGUSR1 it begins to log more, or ends
that. It ends on SIGTERM, at any moment: what it was doing stands in the Applications'
status, and the next agent goes on.

What a flag does not say, a variable does, TIDELOCK_POLL_INTERVAL for --poll-interval,
or else a ConfigMap of its namespace with the label app.kubernetes.io/part-of: argocd:
tidelock-cmd-params-cm, whose keys are the names of flags, or argocd-cmd-params-cm,
of which the entries count that there is a flag for, such as application.namespaces.
Entries may change while it runs. What is wrong then is logged and told by an Event of
the ConfigMap, and what was stays; at its start it ends the agent. All count at once but
` + atStartText() + `, which count from the next start on.

Exit status: 0 told to end, 1 failure, 2 wrong use.`,
		Example: `  # in a cluster, with the rights of its ServiceAccount
  tidelock agent

  # from a laptop, against the cluster of a kubeconfig
  tidelock agent --kubeconfig ~/.kube/config --listen 127.0.0.1:8080 --metrics-listen 127.0.0.1:8082 --replicas-listen 127.0.0.1:8083`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := fromEnv(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runAgent(cmd.Context(), &o, cmd.Flags(), from)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// flags binds the options to their flags, and gives them their defaults. A new one has
// to be in the list of those that may change while the agent runs, or of those that may
// not: see retune.go.
func (o *agentOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `FILE`; in a cluster its ServiceAccount if empty")
	f.StringVar(&o.namespace, "namespace", "argocd", "where Applications, AppProjects, keys and repository credentials are")
	f.StringSliceVar(&o.namespaces, "application-namespaces", nil, "other namespaces with Applications, as `PATTERN`s: globs, or regular expressions between slashes. The spec.sourceNamespaces of an Application's project have to permit its namespace, too")
	f.StringSliceVar(&o.setNamespaces, "applicationset-namespaces", nil, "other namespaces with ApplicationSets, as --application-namespaces, which have to name them, too: the Applications stay there, and their projects' spec.sourceNamespaces have to permit it")
	f.StringSliceVar(&o.scmProviders, "allowed-scm-providers", nil, "`URL`s of servers of pull requests and repositories that generators may name; all if there is none, but for ApplicationSets of other namespaces none")
	f.BoolVar(&o.scmEnabled, "scm-providers", true, "ask servers of pull requests and repositories at all, if ApplicationSets name them. Without, these fail, and nothing of theirs is made, changed or deleted")
	f.BoolVar(&o.strictTokens, "tokenref-strict-mode", false, "show servers only Secrets with the label argocd.argoproj.io/secret-type: scm-creds, as for ApplicationSets of other namespaces always")
	f.StringSliceVar(&o.destinations, destinationsFlag, nil, "the `NAMESPACE`s of its own cluster that Applications may deploy to, if the agent has no rights outside of them. An object of another namespace, or of none, is refused, and nothing cluster-wide is asked for; all if empty")
	f.StringVar(&o.sealingNamespace, "sealed-secrets-namespace", "kube-system", "where the keys of the sealed-secrets controller are")
	f.StringVar(&o.sealedSecrets, "sealed-secrets", "auto", "resolve SealedSecrets here, apply them as they are, or auto: apply them where their kind is served and their controller is there, as a Deployment with its chart's or its manifest's label. The Application's annotation tidelock.io/sealed-secrets counts before it")
	f.BoolVar(&o.sealedV1, "sealed-secrets-accept-v1-data", false, "open the deprecated spec.data of SealedSecrets, too")
	f.StringVar(&o.listen, "listen", ":8080", "`ADDRESS` of POST /api/webhook, GET /healthz and GET /readyz")
	f.StringVar(&o.metricsListen, "metrics-listen", ":8082", "`ADDRESS` of GET /metrics")
	f.StringVar(&o.replicasListen, "replicas-listen", ":8083", "`ADDRESS` at which other replicas ask this one: those that have a Lease in the agent's namespace, and nobody else")
	f.StringVar(&o.replicaAddress, "replica-address", "", "`HOST` at which other replicas reach this one, such as the pod's address; one of this machine's if empty")
	f.DurationVar(&o.leaseDuration, "lease-duration", shard.DefaultTerm, "how long a replica that does not answer any more keeps its Applications, in whole seconds")
	f.StringSliceVar(&o.metricsLabels, "metrics-application-labels", nil, "labels of Applications that argocd_app_labels tells, as `NAME`s")
	f.StringSliceVar(&o.metricsSetLabels, "metrics-applicationset-labels", nil, "labels of ApplicationSets that argocd_appset_labels tells, as `NAME`s")
	f.StringSliceVar(&o.metricsClusterLabels, "metrics-cluster-labels", nil, "labels of the Secrets of clusters that argocd_cluster_labels tells, as `NAME`s")
	f.StringSliceVar(&o.metricsConditions, "metrics-application-conditions", []string{"*"}, "types of conditions of Applications that argocd_app_condition tells, as `NAME`s; * is all")
	f.BoolVar(&o.notifications, "notifications", true, "tell people of Applications, as ConfigMap argocd-notifications-cm and annotations say. Leave it to Argo CD's own notifications controller if that runs, too: else each tells of everything")
	f.BoolVar(&o.selfService, selfServiceFlag, false, "let other namespaces with Applications have a ConfigMap argocd-notifications-cm and a Secret argocd-notifications-secret of their own, for their Applications, beside the agent's. Who may write there has the agent send to any address that it reaches")
	f.StringVar(&o.cacheDir, "cache-dir", "", "`DIR` of the Git mirrors, which may be lost at any time; below the temporary directory if empty")
	f.StringVar(&o.webhookSecret, "webhook-secret-file", "", "`FILE` with the secret that signs GitHub's webhooks; unsigned ones are then refused. Those of other servers, and GitHub's without this flag, are entries of Secret argocd-secret, such as webhook.gitlab.secret; what has no signature has a repository asked for news at most once in ten seconds")
	f.DurationVar(&o.pollInterval, "poll-interval", defaultPoll, "how often repositories are asked for news, if no webhook tells. Without this flag, timeout.reconciliation of ConfigMap argocd-cm counts; there, 0 is never")
	f.DurationVar(&o.refresh, "refresh-interval", defaultRefresh, "how often an Application is looked at without a reason, but at least twice an hour, and how long a failed revision rests. Without this flag, timeout.reconciliation of ConfigMap argocd-cm counts")
	f.DurationVar(&o.syncTimeout, "sync-timeout", 0, "how long a sync may take, retries included, if the Application's annotation tidelock.io/sync-timeout does not say otherwise; 0 is for ever")
	f.BoolVar(&o.shadow, shadowFlag, false, "look on at Argo CD, which does the work: compare what this agent would say of its Applications with what Argo CD says, and write nothing, whatever its rights are. GET /shadow and tidelock migrate report tell")
	f.BoolVar(&o.shadowDryRuns, "shadow-dry-runs", false, "with --shadow, ask the API server by dry runs what a sync would change, which takes the right to patch; else it is reckoned from what is live")
	f.BoolVar(&o.ignoreArgo, "ignore-argocd", false, "work on Applications and ApplicationSets even if a running Argo CD works on them, too. Without, they are left to that, and a condition RivalControllerWarning says so")
	f.BoolVar(&o.impersonate, "impersonate", false, "write in the name of the ServiceAccounts of spec.destinationServiceAccounts; what none is named for is refused")
	f.BoolVar(&o.plugins.requireSandbox, requireSandboxFlag, false, requireSandboxHelp)
	f.DurationVar(&o.clusterTimeout, "cluster-timeout", defaultClusterTimeout, "how long a cluster other than the agent's own may be silent before it is taken to be lost: its Applications wait then, and no others do")
	f.StringSliceVar(&o.clusterExec, "allow-cluster-exec", nil, "`COMMAND`s that the Secret of a cluster may have run to log in (execProviderConfig.command), with the arguments that it gives; none if empty")
	f.BoolVar(&o.submodules, "git-submodules", true, "read submodules whose repositories the Application's project permits")
	f.StringVar(&o.setPolicy, "applicationset-policy", "", "what may be done with the Applications of ApplicationSets, whatever these say: create-only, create-update, create-delete or sync; without it they say it")
	f.BoolVar(&o.setOverride, "applicationset-policy-override", false, "let ApplicationSets that state a policy have their own before --applicationset-policy")
	f.BoolVar(&o.rolling, "progressive-syncs", true, "sync the Applications of an ApplicationSet step by step, if its strategy is RollingSync. Without, that has no effect, as in an Argo CD in which it is not enabled")
	f.BoolVar(&o.setDryRun, "applicationset-dry-run", false, "log what would be done with the Applications of ApplicationSets, and do nothing")
	f.StringSliceVar(&o.preserved.annotations, "preserved-annotations", nil, "`KEYS` of annotations that others may put on the Applications of ApplicationSets, beside those that these preserve")
	f.StringSliceVar(&o.preserved.labels, "preserved-labels", nil, "`KEYS` of labels that others may put on the Applications of ApplicationSets")
	f.BoolVar(&o.globbing, "new-git-file-globbing", false, "read paths of files in ApplicationSets as Argo CD does with --enable-new-git-file-globbing")
	f.BoolVar(&o.plugins.identity, "sops-workload-identity", false, "let the process that asks SOPS' key services log in as this pod: with its AWS_*, AZURE_* and GOOGLE_* variables, and the tokens that they name. Who may is said by Secrets, too: see the entry sops.workload-identity")
	o.plugins.inCluster = true
	o.plugins.flags(f)
	f.BoolVar(&o.debug, "debug", false, "log more, whatever --log-level says")
	f.StringVar(&o.logLevel, "log-level", "info", "`LEVEL` from which on things are logged: debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", jsonFormat, "`FORMAT` of the log: json or text")
	f.StringVar(&o.otlpEndpoint, "otlp-endpoint", "", "`ADDRESS` of a collector of OpenTelemetry traces (OTLP over gRPC), such as http://collector:4317, or https://; $OTEL_EXPORTER_OTLP_ENDPOINT if empty, and none if that is, too")
	f.Float64Var(&o.traceRatio, "trace-ratio", 1, "which `PART` of the commits is traced, from 0 to 1")
	f.StringVar(&o.debugListen, "debug-listen", "", "`ADDRESS` of GET /debug/pprof, GET /debug/state and PUT /debug/log-level, on the loopback device; none if empty")
}

func runAgent(ctx context.Context, o *agentOptions, flags *pflag.FlagSet, from origins) error {
	if err := o.check(from); err != nil { // what needs no cluster to be wrong
		return &usageError{"tidelock agent", err}
	}
	known := &leak.Known{}
	cfg, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	log := newLogging(o.level(), o.logFormat, known)
	if err := errors.Join(noCores(), noTracing()); err != nil {
		log.Warn("a core file of the agent could hold secrets", "error", err)
	}
	o.plugins.pod = o.kubeconfig == ""
	plugins, err := startPlugins(ctx, o, log)
	if err != nil {
		return err
	}
	ignored, err := o.settle(ctx, cfg, flags, from, log.Logger)
	if err != nil {
		return errors.Join(err, plugins.Close())
	}
	if from.mapped(ofPlugins...) {
		if err := plugins.Close(); err != nil {
			return err
		}
		if plugins, err = startPlugins(ctx, o, log); err != nil {
			return err
		}
	}
	log.start(o.level(), o.logFormat)
	if len(ignored) > 0 {
		log.Info("entries have no effect", "configmap", argoParams, "entries", strings.Join(allIdle(ignored), ", "))
	}
	plugins.announce(plugins.list())
	p := &parts{log: log.Logger, logs: log, options: *o, host: plugins, known: known, memory: memory.Obey()}
	p.params = newParams(o, flags, from, log.Logger)
	p.params.config, p.params.tell, p.params.take = p.configMap, p.misread, p.retuned
	if p.tracer, err = newTracer(ctx, o); err != nil {
		return errors.Join(err, plugins.Close())
	}
	defer p.closeTracer()
	if err := p.assemble(ctx, cfg); err != nil {
		return errors.Join(err, plugins.Close())
	}
	defer p.engine.close()
	return p.run(ctx)
}

// ofPlugins are the settings that plugins are started with.
var ofPlugins = []string{"plugin-dir", "plugin-scratch-dir", "require-plugin-checksums", "sops-workload-identity", requireSandboxFlag}

// startPlugins prepares the plugins, and says what their sandbox lacks before the
// cluster is made use of.
func startPlugins(ctx context.Context, o *agentOptions, log *logging) (*plugins, error) {
	p, err := newHost(log.Logger, o.plugins)
	if err != nil {
		return nil, err
	}
	if err := trySandbox(ctx, p.Host, log.Logger, o.plugins.requireSandbox); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// restConfig reaches the cluster. The client's own throttle is off: the API
// server's priority and fairness knows better, and agent/apply bounds what is in
// flight.
func restConfig(kubeconfig string) (*rest.Config, error) {
	cfg, err := rest.InClusterConfig()
	if kubeconfig != "" {
		cfg, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	} else if errors.Is(err, rest.ErrNotInCluster) {
		return nil, &usageError{"tidelock agent", errors.New("this is no pod of a cluster: give --kubeconfig")}
	}
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	followToken(cfg, kubeconfig)
	cfg.QPS = -1
	cfg.UserAgent = "tidelock/" + release.Text()
	return cfg, nil
}

// parts are all that runs, as one.
type parts struct {
	log          *slog.Logger
	logs         *logging // the same, and its level
	params       *params
	options      agentOptions
	agent        *agent.Agent
	applications *agent.Applications
	cluster      *cluster.Cluster
	keyring      *keyring.Keyring
	values       *values.Follower
	git          *git.Store
	watcher      *git.Watcher
	host         *plugins
	known        *leak.Known
	events       *event.Recorder
	artifacts    *registry.Store
	publications *registry.Watcher
	webhook      http.Handler
	metrics      *metrics.Metrics
	engine       *engine
	reconciler   *reconcile.Reconciler
	hookFile     *secretFile
	applier      *apply.Applier
	memory       int64 // that we may use; 0 is any
	tracer       *trace.Tracer
	connection   connection
	sets         *sets.Controller
	replicas     replicas
	grapevine    grapevine
	spreading    chan news
	shadow       *onlooking
	notifier     *notify.Notifier
	notifying    atomic.Bool
}

// assemble makes the parts and ties them together. It is the one place that
// knows every concrete type.
func (p *parts) assemble(ctx context.Context, cfg *rest.Config) error {
	o, log := p.options, p.log
	renders := render.New(render.Config{
		Plugins: renderers{p.host}, Custom: p.host.customs, Logger: log,
		Waited: func(long time.Duration) { p.metrics.Waited(long) },
	})
	p.lookOn()
	p.metrics = metrics.New(p.numbers(renders))
	read := p.reads(cfg)
	cfg = p.counted(p.fenced(read))
	var err error
	if p.cluster, err = cluster.New(cfg, log, cluster.Listeners{
		Changed: func(app string, drifted bool) { p.drifted(api.InClusterServer, app, drifted) },
		Served:  func() { p.agent.All() },
	}); err != nil {
		return err
	}
	p.cluster.Confine(cluster.Bounds{Namespaces: o.destinations})
	if err := p.cluster.Reach(ctx); err != nil {
		return err
	}
	if !p.cluster.Serves(schema.GroupKind{Group: api.GroupVersion.Group, Kind: "Application"}) {
		log.Warn("the cluster does not know Applications yet, the agent waits for them",
			"hint", "tidelock install --crds-only | kubectl apply --server-side -f -")
	}
	in := keyring.Namespaces{Agent: o.namespace, Sealing: o.sealingNamespace, Confined: len(o.destinations) > 0, SelfService: o.selfService}
	if p.keyring, err = keyring.New(cfg, in, log, p.keysChanged); err != nil {
		return err
	}
	if p.values, err = p.followValues(cfg); err != nil {
		return err
	}
	if p.shadow != nil {
		p.events = event.Mute()
	} else if p.events, err = event.NewRecorder(cfg, func(e event.Event) {
		log.Warn("an Event is not written, too many wait", "reason", e.Reason)
	}); err != nil {
		return err
	}
	if p.applications, err = agent.NewApplications(cfg, o.namespace, o.elsewhere(), p.keyring.Scoped, p.keyring.Bindings); err != nil {
		return err
	}
	if p.shadow == nil {
		p.applications.Turned = p.turned
	}
	p.applications.Warned = func(project string, warnings []string) {
		log.Warn("the project may do other than it seems to", "project", project, "warnings", warnings)
	}
	p.spreading = make(chan news, 256)
	if err := p.divide(p.counted(read)); err != nil {
		return err
	}
	if p.git, err = git.NewStore(gitDir(o.cacheDir), git.Options{Log: log, Asked: p.metrics.GitAsked}); err != nil {
		return err
	}
	p.watcher = git.NewWatcher(p.git, o.pollInterval, nil, func(m git.Moved) {
		log.Info("moved", "repository", git.Redact(m.URL), "revision", m.Revision, "from", m.Old, "to", m.New)
		p.metrics.Moved(m.New)
		p.tracer.Moved(git.Redact(m.URL), m.Revision, m.New)
		p.agent.Moved(m.URL)
		p.sets.Moved(m.URL)
		p.found(m.URL, false)
	})
	p.watcher.Reachable = func(url string, ok bool) {
		log.Info("reachable", "repository", git.Repo{URL: url}.String(), "ok", ok)
		p.agent.Moved(url)
		p.sets.Moved(url)
	}
	p.watchRegistries()
	p.webhook = p.newWebhook(o.webhookSecret)
	return p.tie(cfg, renders)
}

// tie makes what needs the other parts.
func (p *parts) tie(cfg *rest.Config, renders *render.Engine) error {
	e := &engine{
		namespace: p.options.namespace, log: p.log, store: p.applications, cluster: p.cluster,
		keys: p.keyring, values: p.values, git: p.git, artifacts: p.artifacts, host: p.host, known: p.known, audit: p.trail(), paced: p.paced,
		clusters: p.clusterConfig(),
		beside:   p.shadow != nil, reckons: !p.options.shadowDryRuns,
	}
	rivals, err := newLookout(cfg)
	if err != nil {
		return err
	}
	reconciler, err := e.reconciler(cfg, renders, reconcile.Config{
		Refresh: p.options.refresh, Insist: p.options.insistRefresh, SyncTimeout: p.options.syncTimeout, Synced: p.synced, Impersonate: p.options.impersonate,
		IgnoreRivals: p.options.ignoreArgo, Rivals: rivals, Yielded: p.yielded,
		Wake: func(app types.NamespacedName) { p.agent.Wake(app) }, Replicas: p.replicas.asked(), Shadow: p.shadow.passes(),
		Onlooker: p.shadow != nil, Sweeping: p.sweeping(cfg),
		Finder: finder{func() *notify.Notifier { return p.notifier }, p.known, p.options.namespace},
	})
	if err != nil {
		return err
	}
	p.engine, p.reconciler, p.agent = e, reconciler, agent.New(p.applications, reconciler, p.log, p.passed, p.metrics.Queues())
	e.settings.Misread = p.misreadSettings
	p.tuneRenders(&p.options)
	p.applier = e.apply
	p.agent.Owns, p.agent.Released, p.agent.Running = p.replicas.owns, p.released, &p.replicas.running
	p.notifier = p.newNotifier()
	p.agent.Between = p.notifier.Between
	p.agent.Reads = e.pipeline.Reads
	if p.tracer != nil {
		p.agent.Trace = p.traced
	}
	return p.keepSets(cfg, reconciler, rivals)
}

// answer runs the parts, and what others reach the agent by, until ctx ends or one of them
// fails.
func (p *parts) answer(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, p.options.listen, p.mux()) })
	if p.options.debugListen != "" {
		g.Go(func() error { return serve(ctx, p.options.debugListen, p.debugMux()) })
	}
	g.Go(func() error { return p.logs.heed(ctx) })
	g.Go(func() error { return p.work(ctx) })
	return g.Wait()
}

// work is run without what others reach the agent by.
func (p *parts) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.cluster.Run(ctx) })
	g.Go(func() error { return p.engine.destinations.Run(ctx) })
	g.Go(func() error { return p.keyring.Run(ctx) })
	g.Go(func() error { return p.values.Run(ctx) })
	g.Go(func() error { return p.events.Run(ctx) })
	if p.shadow == nil {
		g.Go(func() error { return p.keyring.Publish(ctx) })
	}
	g.Go(func() error { return p.watcher.Run(ctx) })
	g.Go(func() error { return p.host.watch(ctx, func() { p.agent.All() }) })
	g.Go(func() error { return p.publications.Run(ctx) })
	g.Go(func() error { return p.notifier.Run(ctx) })
	g.Go(func() error { return p.runReplicas(ctx) })
	g.Go(func() error { return p.runNews(ctx) })
	g.Go(func() error { return p.params.follow(ctx, p.hookFile.look) })
	g.Go(func() error {
		if err := p.keyring.Wait(ctx); err != nil {
			return nil //nolint:nilerr // told to end before the first listing
		}
		p.log.Info("running", "version", release.Text(), "namespace", p.options.namespace, "listen", p.options.listen)
		g.Go(func() error { return p.sets.Run(ctx) })
		return p.agent.Run(ctx)
	})
	return g.Wait()
}

// paced has repositories asked for news as often as argocd-cm says, unless a setting
// does.
func (p *parts) paced(s *settings.Settings) {
	o := p.params.options()
	interval := o.pollInterval
	if !o.insistPoll {
		interval = s.Pace(interval).Interval
	}
	p.watcher.Pace(interval)
	p.publications.Pace(interval)
}

// synced logs and counts an operation that ended.
func (p *parts) synced(app *api.Application, op *api.OperationState) {
	p.log.Info("operation ended", "application", app.Name, "phase", op.Phase, "revision", op.SyncResult.Revision, "message", op.Message)
	p.metrics.Synced(app, op)
}

// orphans counts objects of no application, once the agent runs.
func (p *parts) orphans(app *api.Application) (count int, asked bool) { return p.agent.Orphans(app) }

func (p *parts) passed(name types.NamespacedName, took time.Duration) {
	app := p.applications.Application(name.Namespace, name.Name)
	if !p.replicas.owns(name) {
		app = nil // it went to another meanwhile, whose series begin
	}
	p.metrics.Passed(name.Namespace, app, took)
	p.sets.Looked(name)
}

// gitDir is where mirrors are kept.
func gitDir(cacheDir string) string {
	if cacheDir == "" {
		cacheDir = filepath.Join(os.TempDir(), fmt.Sprintf("tidelock-%d", os.Getuid()))
	}
	return filepath.Join(cacheDir, "git")
}
