package health

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Each row is an object, as kind and the rest of it, and the verdict: a code
// and the beginning of the reason; none if nobody can judge it.
func TestOf(t *testing.T) {
	for _, tt := range []struct{ kind, rest, want string }{
		{"v1 ConfigMap", `data: {a: b}`, "none"},
		{"v1 Secret", ``, "none"},
		// 2.6 deletionTimestamp: is Progressing, whatever else the object says
		{"v1 ConfigMap", `metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}`, "Progressing Pending deletion"},
		// 2.2 finalizer: health of a hook with it ignores the deletionTimestamp
		{"batch/v1 Job", `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [argocd.argoproj.io/hook-finalizer]}, status: {conditions: [{type: Complete, status: "True"}]}}`, "Healthy"},
		{"v1 Namespace", `status: {phase: Active}`, "none"},
		{"rbac.authorization.k8s.io/v1 Role", `rules: []`, "none"},

		// 2.6 Deployment: as Argo CD judges it
		{"apps/v1 Deployment", ``, "Progressing Replicas: 0/1"},
		{"apps/v1 Deployment", `{metadata: {generation: 2}, spec: {replicas: 0}, status: {observedGeneration: 1}}`, "Progressing Deployment generation is 2, but latest observed generation is 1"},
		{"apps/v1 Deployment", deploying(2, 2, 2, 2, ""), "Healthy"},
		{"apps/v1 Deployment", deploying(2, 1, 2, 2, ""), "Progressing Updated: 1/2"},
		{"apps/v1 Deployment", deploying(3, 2, 2, 2, ""), "Progressing Pending termination: 1"},
		{"apps/v1 Deployment", deploying(2, 2, 1, 2, ""), "Progressing Available: 1/2"},
		{"apps/v1 Deployment", deploying(2, 1, 1, 1, "ProgressDeadlineExceeded"), "Degraded Progress deadline exceeded"},
		{"apps/v1 Deployment", `spec: {paused: true}`, "Suspended Deployment is paused"},

		// 2.6 StatefulSet: as Argo CD judges it
		{"apps/v1 StatefulSet", `{spec: {replicas: 2}, status: {replicas: 2, readyReplicas: 1}}`, "Progressing Ready: 1/2"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2}, status: {replicas: 2, readyReplicas: 2, currentReplicas: 2, currentRevision: a, updateRevision: b}}`, "Progressing Waiting for updated revision"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2}, status: {replicas: 2, readyReplicas: 2, currentReplicas: 2, currentRevision: a, updateRevision: a}}`, "Healthy"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2, updateStrategy: {rollingUpdate: {partition: 1}}}, status: {replicas: 2, readyReplicas: 2, updatedReplicas: 1}}`, "Healthy"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2, updateStrategy: {type: OnDelete}}}`, "Healthy"},

		// 2.6 DaemonSet: as Argo CD judges it
		{"apps/v1 DaemonSet", `{metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 1}}`, "Progressing Updated: 1/2"},
		{"apps/v1 DaemonSet", `{metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 0}}`, "Healthy"},
		{"apps/v1 DaemonSet", `{metadata: {generation: 1}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 1}}`, "Healthy"},
		{"apps/v1 DaemonSet", `{metadata: {generation: 2}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1}}`, "Progressing DaemonSet generation is 2"},

		// 2.6 ReplicaSet: as Argo CD judges it
		{"apps/v1 ReplicaSet", `{status: {conditions: [{type: ReplicaFailure, status: "True", message: quota}]}}`, "Degraded quota"},
		{"apps/v1 ReplicaSet", `{spec: {replicas: 1}, status: {replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1, readyReplicas: 1}}`, "Healthy"},

		// 2.6 Pod: as Argo CD judges it
		{"v1 Pod", ``, "Progressing Pod is not observed yet"},
		{"v1 Pod", `status: {phase: Pending}`, "Progressing Pod is pending"},
		{"v1 Pod", `status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: 0/3 nodes are available}]}`, "Progressing 0/3 nodes"},
		{"v1 Pod", `status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ImagePullBackOff, message: no such image}}}]}`, "Degraded container a: ImagePullBackOff: no such image"},
		{"v1 Pod", `status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ErrImagePull}}}]}`, "Degraded container a: ErrImagePull"},
		{"v1 Pod", `status: {phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: CreateContainerConfigError}}}]}`, "Degraded container i: CreateContainerConfigError"},
		{"v1 Pod", `status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ContainerCreating}}}]}`, "Progressing Pod is pending"},
		{"v1 Pod", `status: {phase: Running, conditions: [{type: Ready, status: "True"}]}`, "Healthy"},
		{"v1 Pod", `status: {phase: Running}`, "Progressing Pod is not ready"},
		{"v1 Pod", `status: {phase: Running, containerStatuses: [{name: a, lastState: {terminated: {exitCode: 1}}}]}`, "Degraded container a was restarted and is not ready"},
		{"v1 Pod", `{spec: {restartPolicy: Never}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, "Progressing Pod is running"},
		{"v1 Pod", `{metadata: {annotations: {argocd.argoproj.io/ignore-restart-policy: "true"}}, spec: {restartPolicy: Never}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, "Healthy"},
		{"v1 Pod", `{spec: {restartPolicy: OnFailure}, status: {phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff}}}]}}`, "Progressing Pod is running"},
		{"v1 Pod", `status: {phase: Succeeded}`, "Healthy"},
		{"v1 Pod", `status: {phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 3}}}]}`, "Degraded container a ended with exit code 3"},
		{"v1 Pod", `status: {phase: Failed, message: evicted}`, "Degraded evicted"},

		// 2.6 Job: as Argo CD judges it
		{"batch/v1 Job", ``, "Progressing Job is running"},
		{"batch/v1 Job", `status: {conditions: [{type: Complete, status: "True"}]}`, "Healthy"},
		{"batch/v1 Job", `status: {conditions: [{type: Failed, status: "True", message: backoff limit}]}`, "Degraded backoff limit"},
		{"batch/v1 Job", `status: {conditions: [{type: Suspended, status: "True", message: suspended}]}`, "Suspended suspended"},
		{"batch/v1 Job", `status: {conditions: [{type: Suspended, status: "False"}]}`, "Progressing Job is running"},
		// 2.6 CronJob: as Argo CD judges it
		{"batch/v1 CronJob", `spec: {schedule: "* * * * *"}`, "Healthy"},
		{"batch/v1 CronJob", `spec: {suspend: true}`, "Healthy CronJob is suspended"},
		{"batch/v1 CronJob", `status: {lastScheduleTime: "2026-01-02T00:00:00Z"}`, "Healthy"},
		{"batch/v1 CronJob", `status: {lastScheduleTime: "2026-01-02T00:00:00Z", lastSuccessfulTime: "2026-01-02T00:00:09Z"}`, "Healthy"},
		{"batch/v1 CronJob", `status: {lastScheduleTime: "2026-01-02T00:00:00Z", lastSuccessfulTime: "2026-01-01T00:00:09Z", active: [{name: a}]}`, "Healthy"},
		{"batch/v1 CronJob", `status: {lastScheduleTime: "2026-01-02T00:00:00Z", lastSuccessfulTime: "2026-01-01T00:00:09Z"}`, "Degraded the last run has not succeeded"},

		// 2.6 PVC: as Argo CD judges it
		{"v1 PersistentVolumeClaim", `status: {phase: Pending}`, "Progressing PersistentVolumeClaim is not bound yet"},
		{"v1 PersistentVolumeClaim", `status: {phase: Bound}`, "Healthy"},
		{"v1 PersistentVolumeClaim", `status: {phase: Lost}`, "Degraded PersistentVolumeClaim has lost its volume"},
		// 2.6 Service: as Argo CD judges it
		{"v1 Service", `spec: {clusterIP: 10.0.0.1}`, "Healthy"},
		{"v1 Service", `spec: {type: LoadBalancer, clusterIP: 10.0.0.1}`, "Progressing waiting for the load balancer"},
		{"v1 Service", `{spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}`, "Healthy"},
		// 2.6 Ingress: as Argo CD judges it
		{"networking.k8s.io/v1 Ingress", `status: {loadBalancer: {}}`, "Healthy"},
		{"policy/v1 PodDisruptionBudget", `{metadata: {generation: 1}, status: {observedGeneration: 1}}`, "none"},

		// 2.6 HPA: as Argo CD judges it
		{"autoscaling/v2 HorizontalPodAutoscaler", ``, "Progressing waiting to autoscale"},
		{"autoscaling/v2 HorizontalPodAutoscaler", `status: {conditions: [{type: AbleToScale, status: "True", reason: SucceededGetScale}, {type: ScalingActive, status: "False", reason: FailedGetResourceMetric}]}`, "Healthy"},
		{"autoscaling/v2 HorizontalPodAutoscaler", `status: {conditions: [{type: AbleToScale, status: "False", reason: FailedGetScale, message: no target}]}`, "Degraded no target"},
		{"autoscaling/v1 HorizontalPodAutoscaler", `status: {conditions: [{type: ScalingActive, status: "False", reason: InvalidSelector, message: bad}]}`, "Degraded bad"},
		// 2.6 APIService: as Argo CD judges it
		{"apiregistration.k8s.io/v1 APIService", `status: {conditions: [{type: Available, status: "True"}]}`, "Healthy"},
		{"apiregistration.k8s.io/v1 APIService", `status: {conditions: [{type: Available, status: "False", message: no endpoints}]}`, "Progressing no endpoints"},
		{"apiextensions.k8s.io/v1 CustomResourceDefinition", `status: {conditions: [{type: Established, status: "True"}]}`, "Healthy"},
		{"apiextensions.k8s.io/v1 CustomResourceDefinition", `status: {conditions: [{type: NamesAccepted, status: "False", message: taken}]}`, "Degraded taken"},
		{"apiextensions.k8s.io/v1 CustomResourceDefinition", ``, "Progressing Install in progress"},

		// 2.6 SealedSecret: as Argo CD judges it
		{"bitnami.com/v1alpha1 SealedSecret", ``, "Progressing waiting for condition Synced"},
		{"bitnami.com/v1alpha1 SealedSecret", `status: {conditions: [{type: Synced, status: "True"}]}`, "Healthy"},
		{"bitnami.com/v1alpha1 SealedSecret", `status: {conditions: [{type: Synced, status: "False", message: no key}]}`, "Degraded no key"},
		// 2.6 ExternalSecret: as Argo CD judges it
		{"external-secrets.io/v1 ExternalSecret", ``, "Progressing waiting for condition Ready"},
		{"external-secrets.io/v1 ExternalSecret", `status: {conditions: [{type: Ready, status: "False", message: denied}]}`, "Degraded denied"},
		{"external-secrets.io/v1beta1 ClusterSecretStore", `status: {conditions: [{type: Ready, status: "True"}]}`, "Healthy"},

		// 2.6 Application: as Argo CD judges it
		{"argoproj.io/v1alpha1 Application", ``, "Progressing waiting for the first report"},
		{"argoproj.io/v1alpha1 Application", `status: {health: {status: Degraded, message: web}}`, "Degraded web"},
		{"argoproj.io/v1alpha1 Application", `status: {health: {status: Splendid}}`, `Unknown no such health: "Splendid"`},
		{"argoproj.io/v1alpha1 AppProject", ``, "none"},

		{"argoproj.io/v1alpha1 ApplicationSet", ``, "Progressing waiting for its Applications"},
		{"argoproj.io/v1alpha1 ApplicationSet", `status: {conditions: [{type: ErrorOccurred, status: "True", message: no such repository}, {type: ResourcesUpToDate, status: "True"}]}`, "Degraded no such repository"},
		{"argoproj.io/v1alpha1 ApplicationSet", `status: {conditions: [{type: ErrorOccurred, status: "False"}, {type: ResourcesUpToDate, status: "True"}]}`, "Healthy"},
		// 2.6 Argo Workflow: as Argo CD judges it
		{"argoproj.io/v1alpha1 Workflow", ``, "Progressing Workflow is not observed yet"},
		{"argoproj.io/v1alpha1 Workflow", `status: {phase: Running}`, "Progressing Workflow is Running"},
		{"argoproj.io/v1alpha1 Workflow", `status: {phase: Succeeded, message: done}`, "Healthy"},
		{"argoproj.io/v1alpha1 Workflow", `status: {phase: Failed, message: child failed}`, "Degraded child failed"},
		{"argoproj.io/v1alpha1 Workflow", `status: {phase: Error}`, "Degraded Workflow is Error"},
		{"argoproj.io/v1alpha1 Workflow", `status: {phase: Dancing}`, "Unknown Workflow is Dancing"},
		{"argoproj.io/v1alpha1 CronWorkflow", ``, "Healthy"},
		{"argoproj.io/v1alpha1 CronWorkflow", `spec: {suspend: true}`, "Suspended CronWorkflow is suspended"},
		{"argoproj.io/v1alpha1 CronWorkflow", `status: {conditions: [{type: SubmissionError, status: "True", message: no template}]}`, "Degraded no template"},
		{"argoproj.io/v1alpha1 Rollout", ``, "Progressing waiting for the rollout's spec to be observed"},
		{"argoproj.io/v1alpha1 Rollout", `{metadata: {generation: 2}, status: {observedGeneration: "1", phase: Healthy}}`, "Progressing waiting for the rollout's spec"},
		{"argoproj.io/v1alpha1 Rollout", `{metadata: {generation: 2}, status: {observedGeneration: "2", phase: Healthy}}`, "Healthy"},
		{"argoproj.io/v1alpha1 Rollout", `{metadata: {generation: 2}, status: {observedGeneration: "2", phase: Paused, message: CanaryPauseStep}}`, "Suspended CanaryPauseStep"},
		{"argoproj.io/v1alpha1 Rollout", `{metadata: {generation: 2}, status: {observedGeneration: "2", phase: Degraded, message: aborted}}`, "Degraded aborted"},
		{"argoproj.io/v1alpha1 Rollout", `status: {conditions: [{type: InvalidSpec, status: "True", message: no strategy}]}`, "Degraded no strategy"},
		{"argoproj.io/v1alpha1 AnalysisRun", `status: {phase: Inconclusive}`, "Unknown AnalysisRun is Inconclusive"},
		{"argoproj.io/v1alpha1 AnalysisRun", `status: {phase: Successful}`, "Healthy"},

		{"cert-manager.io/v1 Certificate", ``, "Progressing waiting for condition Ready"},
		{"cert-manager.io/v1 Certificate", `status: {conditions: [{type: Ready, status: "True"}, {type: Issuing, status: "True", message: renewing}]}`, "Progressing renewing"},
		{"cert-manager.io/v1 Certificate", `status: {conditions: [{type: Ready, status: "False", message: expired}]}`, "Degraded expired"},
		{"cert-manager.io/v1 Certificate", `status: {conditions: [{type: Ready, status: "True"}, {type: Issuing, status: "False"}]}`, "Healthy"},
		{"cert-manager.io/v1 ClusterIssuer", `status: {conditions: [{type: Ready, status: "False", reason: ErrRegisterACMEAccount}]}`, "Degraded Ready is False: ErrRegisterACMEAccount"},
		{"cert-manager.io/v1 Issuer", `status: {conditions: [{type: Ready, status: "True"}]}`, "Healthy"},
		{"cert-manager.io/v1 CertificateRequest", `status: {conditions: [{type: Ready, status: "False", reason: Pending, message: waiting for the order}]}`, "Progressing waiting for the order"},
		{"cert-manager.io/v1 CertificateRequest", `status: {conditions: [{type: Ready, status: "False", reason: Failed, message: refused}]}`, "Degraded refused"},
		{"cert-manager.io/v1 CertificateRequest", `status: {conditions: [{type: Denied, status: "True", message: by policy}]}`, "Degraded by policy"},
		{"acme.cert-manager.io/v1 Order", `status: {state: pending}`, "Progressing Order is pending"},
		{"acme.cert-manager.io/v1 Order", `status: {state: valid}`, "Healthy"},
		{"acme.cert-manager.io/v1 Challenge", `status: {state: invalid, reason: no DNS record}`, "Degraded no DNS record"},
		{"acme.cert-manager.io/v1 Challenge", `status: {state: expired}`, "Degraded Challenge is expired"},

		{"gateway.networking.k8s.io/v1 GatewayClass", `status: {conditions: [{type: Accepted, status: "True"}]}`, "Healthy"},
		{"gateway.networking.k8s.io/v1 GatewayClass", `status: {conditions: [{type: Accepted, status: Unknown, message: Waiting for controller}]}`, "Progressing Waiting for controller"},
		{"gateway.networking.k8s.io/v1 Gateway", ``, "Progressing waiting for a controller"},
		{"gateway.networking.k8s.io/v1 Gateway", `status: {conditions: [{type: Accepted, status: "True"}, {type: Programmed, status: "False", message: no address}]}`, "Progressing no address"},
		{"gateway.networking.k8s.io/v1 Gateway", `status: {conditions: [{type: Accepted, status: "False", reason: Invalid, message: bad listener}]}`, "Degraded bad listener"},
		{"gateway.networking.k8s.io/v1 Gateway", `status: {conditions: [{type: Accepted, status: "False", reason: Pending, message: soon}]}`, "Progressing soon"},
		{"gateway.networking.k8s.io/v1 Gateway", `status: {conditions: [{type: Programmed, status: "True"}], listeners: [{name: tls, conditions: [{type: ResolvedRefs, status: "False", message: no Secret}]}]}`, "Degraded listener tls: no Secret"},
		{"gateway.networking.k8s.io/v1 Gateway", `status: {conditions: [{type: Programmed, status: "True"}], listeners: [{name: tls, conditions: [{type: Programmed, status: "True"}]}]}`, "Healthy"},
		{"gateway.networking.k8s.io/v1 Gateway", `{metadata: {generation: 3}, status: {conditions: [{type: Programmed, status: "True", observedGeneration: 2}]}}`, "Progressing waiting for generation 3"},
		{"gateway.networking.k8s.io/v1 HTTPRoute", ``, "Healthy"},
		{"gateway.networking.k8s.io/v1 HTTPRoute", `spec: {parentRefs: [{name: web}]}`, "Progressing waiting for a Gateway"},
		{"gateway.networking.k8s.io/v1 HTTPRoute", `{spec: {parentRefs: [{name: web}]}, status: {parents: [{parentRef: {name: web}, conditions: [{type: Accepted, status: "True"}, {type: ResolvedRefs, status: "False", message: no Service}]}]}}`, "Degraded parent web: no Service"},
		{"gateway.networking.k8s.io/v1 GRPCRoute", `{spec: {parentRefs: [{name: web}]}, status: {parents: [{parentRef: {name: web}, conditions: [{type: Accepted, status: "True"}, {type: ResolvedRefs, status: "True"}]}]}}`, "Healthy"},
		{"gateway.networking.k8s.io/v1 HTTPRoute", `{metadata: {generation: 2}, spec: {parentRefs: [{name: web}]}, status: {parents: [{parentRef: {name: web}, conditions: [{type: Accepted, status: "False", observedGeneration: 1}]}]}}`, "Progressing waiting for a Gateway"},
		{"gateway.networking.k8s.io/v1alpha2 TCPRoute", `{spec: {parentRefs: [{name: web}]}, status: {parents: [{parentRef: {name: web}, conditions: [{type: Accepted, status: "True"}, {type: Programmed, status: "False"}]}]}}`, "Progressing parent web: Programmed is False"},

		{"kustomize.toolkit.fluxcd.io/v1 Kustomization", `{metadata: {generation: 2}, status: {observedGeneration: 1, conditions: [{type: Ready, status: "True"}]}}`, "Progressing Kustomization is not observed yet"},
		{"kustomize.toolkit.fluxcd.io/v1 Kustomization", `status: {conditions: [{type: Ready, status: "False", message: build failed}]}`, "Degraded build failed"},
		{"kustomize.toolkit.fluxcd.io/v1 Kustomization", `status: {conditions: [{type: Ready, status: "False"}, {type: Reconciling, status: "True", message: applying}]}`, "Progressing applying"},
		{"kustomize.toolkit.fluxcd.io/v1 Kustomization", `status: {conditions: [{type: Ready, status: "True"}]}`, "Healthy"},
		{"helm.toolkit.fluxcd.io/v2 HelmRelease", `{spec: {suspend: true}, status: {conditions: [{type: Ready, status: "True"}]}}`, "Suspended HelmRelease is suspended"},
		{"helm.toolkit.fluxcd.io/v2 HelmRelease", `status: {conditions: [{type: Stalled, status: "True", message: retries exhausted}]}`, "Degraded retries exhausted"},
		{"source.toolkit.fluxcd.io/v1 GitRepository", ``, "Progressing waiting for condition Ready"},
		{"source.toolkit.fluxcd.io/v1 HelmRepository", `spec: {type: oci}`, "none"},
		{"notification.toolkit.fluxcd.io/v1beta3 Provider", ``, "none"},

		{"serving.knative.dev/v1 Service", `status: {conditions: [{type: Ready, status: Unknown, message: deploying}]}`, "Progressing deploying"},
		{"serving.knative.dev/v1 Service", `status: {conditions: [{type: Ready, status: "False", message: no revision}]}`, "Degraded no revision"},
		{"s3.aws.crossplane.io/v1 Bucket", `status: {conditions: [{type: Synced, status: "False", message: access denied}]}`, "Degraded access denied"},
		{"s3.aws.upbound.io/v1 Bucket", `status: {conditions: [{type: Synced, status: "True"}, {type: Ready, status: "False", reason: Creating}]}`, "Progressing Ready is False: Creating"},
		{"s3.aws.upbound.io/v1 Bucket", `status: {conditions: [{type: Synced, status: "True"}, {type: Ready, status: "False", reason: Unavailable}]}`, "Degraded Ready is False: Unavailable"},
		{"s3.aws.upbound.io/v1 Bucket", `status: {conditions: [{type: Synced, status: "True"}, {type: Ready, status: "True"}]}`, "Healthy"},
		{"pkg.crossplane.io/v1 Provider", `status: {conditions: [{type: Installed, status: "True"}, {type: Healthy, status: "False", message: crash}]}`, "Degraded crash"},

		{"example.com/v1 Widget", ``, "none"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Synced, status: "False", reason: ReconcileError, message: no composition}, {type: Ready, status: "False"}]}`, "Degraded no composition"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", message: upgrading}]}`, "Progressing upgrading"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", reason: NewReplicaSetAvailable}]}`, "Healthy"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Available, status: "True"}, {type: Degraded, status: "True", message: one node down}]}`, "Degraded one node down"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Failed, status: "True", reason: Broken}]}`, "Degraded Failed is True: Broken"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Reconciling, status: "True", message: at it}]}`, "Progressing at it"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Succeeded, status: "False", message: step failed}]}`, "Degraded step failed"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Ready, status: Unknown}]}`, "Progressing Ready is Unknown"},
		{"example.com/v1 Widget", `{metadata: {generation: 2}, status: {conditions: [{type: Ready, status: "True", observedGeneration: 1}]}}`, "Progressing waiting for condition Ready of generation 2"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Amused, status: "False"}]}`, "none"},
		{"example.com/v1 Widget", `{metadata: {generation: 2}, status: {observedGeneration: 1}}`, "Progressing Widget generation is 2"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Ready, status: "False", message: soon}]}`, "Progressing soon"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Ready, status: "True"}]}`, "Healthy"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Stalled, status: "True", message: stuck}]}`, "Degraded stuck"},
		{"example.com/v1 Widget", `status: {conditions: nonsense}`, "none"},
		{"v1 Pod", `status: {phase: Running, conditions: [7], containerStatuses: {}}`, "Progressing Pod is not ready"},
	} {
		t.Run(tt.kind+" "+tt.rest, func(t *testing.T) {
			h := Of(object(t, tt.kind, tt.rest), nil)
			got := strings.TrimSpace(string(h.Code) + " " + h.Message)
			if h == (Health{}) {
				got = "none"
			}
			if !strings.HasPrefix(got, tt.want) || tt.want == "Healthy" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A custom check comes after the deletion, which nobody can judge otherwise, and
// before ours, to which it may leave the object.
func TestCustom(t *testing.T) {
	broken := func(object map[string]any) (Health, bool) {
		return Health{api.HealthDegraded, "by custom"}, object["kind"] == "Job"
	}
	for _, tt := range []struct{ kind, rest, want string }{
		{"batch/v1 Job", ``, "Degraded by custom"},
		{"batch/v1 Job", `metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}`, "Progressing Pending deletion"},
		{"batch/v1 Job", `metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [argocd.argoproj.io/hook-finalizer]}`, "Degraded by custom"},
		{"v1 PersistentVolumeClaim", `status: {phase: Bound}`, "Healthy "},
	} {
		h := Of(object(t, tt.kind, tt.rest), broken)
		if got := string(h.Code) + " " + h.Message; got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.kind, tt.rest, got, tt.want)
		}
	}
}

// deploying is a Deployment of two replicas.
func deploying(replicas, updated, available, ready int, reason string) string {
	if reason == "" {
		reason = "NewReplicaSetAvailable"
	}
	return fmt.Sprintf(`{metadata: {generation: 1}, spec: {replicas: 2, progressDeadlineSeconds: 600}, status: {observedGeneration: 1, replicas: %d,
		updatedReplicas: %d, availableReplicas: %d, readyReplicas: %d, conditions: [{type: Available, status: "True"},
		{type: Progressing, status: "True", reason: %s}]}}`, replicas, updated, available, ready, reason)
}

func object(t *testing.T, kind, rest string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(rest))
	if err != nil {
		t.Fatal(err)
	}
	o := map[string]any{}
	if err := utiljson.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	if o == nil {
		o = map[string]any{}
	}
	o["apiVersion"], o["kind"], _ = strings.Cut(kind, " ")
	return o
}
