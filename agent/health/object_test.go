package health

import (
	"fmt"
	"strings"
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Each row is an object, as kind and the rest of it, and the verdict: a code
// and the beginning of the reason.
func TestOf(t *testing.T) {
	for _, tt := range []struct{ kind, rest, want string }{
		{"v1 ConfigMap", `data: {a: b}`, "Healthy"},
		{"v1 Secret", ``, "Healthy"},
		{"v1 ConfigMap", `metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}`, "Progressing Pending deletion"},
		{"v1 Namespace", `status: {phase: Active}`, "Healthy"},
		{"rbac.authorization.k8s.io/v1 Role", `rules: []`, "Healthy"},

		{"apps/v1 Deployment", ``, "Progressing Replicas: 0/1"},
		{"apps/v1 Deployment", `{metadata: {generation: 2}, spec: {replicas: 0}, status: {observedGeneration: 1}}`, "Progressing Deployment generation is 2, but latest observed generation is 1"},
		{"apps/v1 Deployment", rollout(2, 2, 2, 2, ""), "Healthy"},
		{"apps/v1 Deployment", rollout(2, 1, 2, 2, ""), "Progressing Updated: 1/2"},
		{"apps/v1 Deployment", rollout(3, 2, 2, 2, ""), "Progressing Pending termination: 1"},
		{"apps/v1 Deployment", rollout(2, 2, 1, 2, ""), "Progressing Available: 1/2"},
		{"apps/v1 Deployment", rollout(2, 1, 1, 1, "ProgressDeadlineExceeded"), "Degraded Progress deadline exceeded"},
		{"apps/v1 Deployment", `spec: {paused: true}`, "Suspended Deployment is paused"},

		{"apps/v1 StatefulSet", `{spec: {replicas: 2}, status: {replicas: 2, readyReplicas: 1}}`, "Progressing Ready: 1/2"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2}, status: {replicas: 2, readyReplicas: 2, currentReplicas: 2, currentRevision: a, updateRevision: b}}`, "Progressing Waiting for updated revision"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2}, status: {replicas: 2, readyReplicas: 2, currentReplicas: 2, currentRevision: a, updateRevision: a}}`, "Healthy"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2, updateStrategy: {rollingUpdate: {partition: 1}}}, status: {replicas: 2, readyReplicas: 2, updatedReplicas: 1}}`, "Healthy"},
		{"apps/v1 StatefulSet", `{spec: {replicas: 2, updateStrategy: {type: OnDelete}}}`, "Healthy"},

		{"apps/v1 DaemonSet", `{metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 1}}`, "Progressing Updated: 1/2"},
		{"apps/v1 DaemonSet", `{metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 0}}`, "Healthy"},
		{"apps/v1 DaemonSet", `{metadata: {generation: 1}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 1}}`, "Healthy"},
		{"apps/v1 DaemonSet", `{metadata: {generation: 2}, spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1}}`, "Progressing DaemonSet generation is 2"},

		{"apps/v1 ReplicaSet", `{status: {conditions: [{type: ReplicaFailure, status: "True", message: quota}]}}`, "Degraded quota"},
		{"apps/v1 ReplicaSet", `{spec: {replicas: 1}, status: {replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1, readyReplicas: 1}}`, "Healthy"},

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

		{"batch/v1 Job", ``, "Progressing Job is running"},
		{"batch/v1 Job", `status: {conditions: [{type: Complete, status: "True"}]}`, "Healthy"},
		{"batch/v1 Job", `status: {conditions: [{type: Failed, status: "True", message: backoff limit}]}`, "Degraded backoff limit"},
		{"batch/v1 Job", `status: {conditions: [{type: Suspended, status: "True", message: suspended}]}`, "Suspended suspended"},
		{"batch/v1 Job", `status: {conditions: [{type: Suspended, status: "False"}]}`, "Progressing Job is running"},
		{"batch/v1 CronJob", `spec: {schedule: "* * * * *"}`, "Healthy"},
		{"batch/v1 CronJob", `spec: {suspend: true}`, "Suspended CronJob is suspended"},

		{"v1 PersistentVolumeClaim", `status: {phase: Pending}`, "Progressing PVC is not Bound. phase: Pending"},
		{"v1 PersistentVolumeClaim", `status: {phase: Bound}`, "Healthy"},
		{"v1 PersistentVolumeClaim", `status: {phase: Lost}`, "Degraded PersistentVolumeClaim has lost its volume"},
		{"v1 Service", `spec: {clusterIP: 10.0.0.1}`, "Healthy"},
		{"v1 Service", `spec: {type: LoadBalancer, clusterIP: 10.0.0.1}`, "Progressing waiting for the load balancer"},
		{"v1 Service", `{spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}`, "Healthy"},
		{"networking.k8s.io/v1 Ingress", `status: {loadBalancer: {}}`, "Healthy"},
		{"policy/v1 PodDisruptionBudget", `{metadata: {generation: 1}, status: {observedGeneration: 1}}`, "Healthy"},

		{"autoscaling/v2 HorizontalPodAutoscaler", ``, "Progressing waiting to autoscale"},
		{"autoscaling/v2 HorizontalPodAutoscaler", `status: {conditions: [{type: AbleToScale, status: "True", reason: SucceededGetScale}, {type: ScalingActive, status: "False", reason: FailedGetResourceMetric}]}`, "Healthy"},
		{"autoscaling/v2 HorizontalPodAutoscaler", `status: {conditions: [{type: AbleToScale, status: "False", reason: FailedGetScale, message: no target}]}`, "Degraded no target"},
		{"autoscaling/v1 HorizontalPodAutoscaler", `status: {conditions: [{type: ScalingActive, status: "False", reason: InvalidSelector, message: bad}]}`, "Degraded bad"},
		{"apiregistration.k8s.io/v1 APIService", `status: {conditions: [{type: Available, status: "True"}]}`, "Healthy"},
		{"apiregistration.k8s.io/v1 APIService", `status: {conditions: [{type: Available, status: "False", message: no endpoints}]}`, "Progressing no endpoints"},
		{"apiextensions.k8s.io/v1 CustomResourceDefinition", `status: {conditions: [{type: Established, status: "True"}]}`, "Healthy"},
		{"apiextensions.k8s.io/v1 CustomResourceDefinition", `status: {conditions: [{type: NamesAccepted, status: "False", message: taken}]}`, "Degraded taken"},
		{"apiextensions.k8s.io/v1 CustomResourceDefinition", ``, "Progressing Install in progress"},

		{"bitnami.com/v1alpha1 SealedSecret", ``, "Progressing waiting for condition Synced"},
		{"bitnami.com/v1alpha1 SealedSecret", `status: {conditions: [{type: Synced, status: "True"}]}`, "Healthy"},
		{"bitnami.com/v1alpha1 SealedSecret", `status: {conditions: [{type: Synced, status: "False", message: no key}]}`, "Degraded no key"},
		{"external-secrets.io/v1 ExternalSecret", ``, "Progressing waiting for condition Ready"},
		{"external-secrets.io/v1 ExternalSecret", `status: {conditions: [{type: Ready, status: "False", message: denied}]}`, "Degraded denied"},
		{"external-secrets.io/v1beta1 ClusterSecretStore", `status: {conditions: [{type: Ready, status: "True"}]}`, "Healthy"},

		{"argoproj.io/v1alpha1 Application", ``, "Progressing waiting for the first report"},
		{"argoproj.io/v1alpha1 Application", `status: {health: {status: Degraded, message: web}}`, "Degraded web"},
		{"argoproj.io/v1alpha1 Application", `status: {health: {status: Splendid}}`, `Unknown no such health: "Splendid"`},
		{"argoproj.io/v1alpha1 AppProject", ``, "Healthy"},

		{"example.com/v1 Widget", ``, "Healthy"},
		{"example.com/v1 Widget", `{metadata: {generation: 2}, status: {observedGeneration: 1}}`, "Progressing Widget generation is 2"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Ready, status: "False", message: soon}]}`, "Progressing soon"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Ready, status: "True"}]}`, "Healthy"},
		{"example.com/v1 Widget", `status: {conditions: [{type: Stalled, status: "True", message: stuck}]}`, "Degraded stuck"},
		{"example.com/v1 Widget", `status: {conditions: nonsense}`, "Unknown"},
		{"v1 Pod", `status: {phase: Running, conditions: [7], containerStatuses: {}}`, "Progressing Pod is not ready"},
	} {
		t.Run(tt.kind+" "+tt.rest, func(t *testing.T) {
			h := Of(object(t, tt.kind, tt.rest))
			got := strings.TrimSpace(string(h.Code) + " " + h.Message)
			if !strings.HasPrefix(got, tt.want) || tt.want == "Healthy" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// rollout is a Deployment of two replicas.
func rollout(replicas, updated, available, ready int, reason string) string {
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
