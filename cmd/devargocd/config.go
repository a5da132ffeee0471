package main

import (
	"context"
	"crypto/rand"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// configure makes what Argo CD's manifests have beside Deployments, and its controllers
// do not start without.
func configure(ctx context.Context, o options) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: o.namespace, Labels: map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}}
	}
	_, err = client.CoreV1().ConfigMaps(o.namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta("argocd-cm")}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make ConfigMap argocd-cm: %w", err)
	}
	_, err = client.CoreV1().Secrets(o.namespace).Create(ctx, &corev1.Secret{
		ObjectMeta: meta("argocd-secret"), StringData: map[string]string{"server.secretkey": rand.Text()},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make Secret argocd-secret: %w", err)
	}
	return nil
}
