package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// heal changes a Deployment by hand, as kubectl edit does, and then deletes it.
func heal(ctx context.Context, s *stage) error {
	client := s.cluster.Typed.AppsV1().Deployments("frontend")
	before, err := client.Get(ctx, "frontend", metav1.GetOptions{})
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":%q}]`, image+"tampered")
	tampered, err := client.Patch(ctx, "frontend", types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		return err
	}
	begun := time.Now()
	s.out.line("somebody set the image of the Deployment frontend to %s", tampered.Spec.Template.Spec.Containers[0].Image)
	if err := s.out.step("it has the image of Git again", func() (string, error) {
		err := s.untilFrontend(ctx, "image "+image+newTag, hasImage(image+newTag))
		return seconds(time.Since(begun)) + " after the change", err
	}); err != nil {
		return err
	}
	if err := client.Delete(ctx, "frontend", metav1.DeleteOptions{}); err != nil {
		return err
	}
	begun = time.Now()
	s.out.line("somebody deleted it")
	return s.out.step("it is back, though a second heal rests two seconds after the first", func() (string, error) {
		err := s.untilFrontend(ctx, "another uid and all Pods", anotherThan(before.UID))
		if err != nil {
			return "", err
		}
		return seconds(time.Since(begun)) + " after the deletion, with its Pods", s.untilSynced(ctx, s.repo.Head, "frontend-staging")
	})
}

// anotherThan is met when the object was made anew and has all its Pods.
func anotherThan(uid types.UID) testenv.Condition {
	return func(object *unstructured.Unstructured) (bool, string) {
		if object == nil || object.GetUID() == uid {
			return false, "deleted"
		}
		return rolledOut(object)
	}
}
