//! Kustomizations: objects and what is changed about them (the Kustomization reference of kustomize).

use crate::format::yaml::Yaml;

/// The pinned manifest, beside the kustomization.
pub(super) const UPSTREAM: &str = "upstream.yaml";

/// What a `kustomization.yaml` says.
#[derive(Clone, Debug, Default)]
pub(super) struct Kustomization {
    /// Files with objects.
    pub(super) resources: Vec<&'static str>,
    /// Files with patches that name what they change, which must be there.
    pub(super) merges: Vec<&'static str>,
    /// Files with JSON patches, each with the kind of the objects that it changes.
    pub(super) patches: Vec<(&'static str, &'static str)>,
    /// An image by its name in the manifest, and what is pulled instead: name and tag.
    pub(super) image: Option<[String; 3]>,
}

impl Kustomization {
    /// The file. All objects get a label that says who has put them there.
    pub(super) fn document(&self) -> String {
        let labels = Yaml::map([("app.kubernetes.io/managed-by", "bpc".into())]);
        let mut entries = vec![
            ("apiVersion", "kustomize.config.k8s.io/v1beta1".into()),
            ("kind", "Kustomization".into()),
            ("resources", Yaml::seq(self.resources.iter().copied())),
            ("labels", Yaml::seq([Yaml::map([("pairs", labels)])])),
        ];
        let merges = self.merges.iter().map(|&path| Yaml::map([("path", path.into())]));
        let patches = self.patches.iter().map(|&(path, kind)| {
            let target = Yaml::map([("kind", kind.into())]);
            Yaml::map([("path", path.into()), ("target", target)])
        });
        let patches: Vec<Yaml> = merges.chain(patches).collect();
        if !patches.is_empty() {
            entries.push(("patches", patches.into()));
        }
        if let Some(image) = &self.image {
            let [name, new_name, tag] = image.each_ref().map(|text| Yaml::from(text.as_str()));
            entries.push((
                "images",
                Yaml::seq([Yaml::map([("name", name), ("newName", new_name), ("newTag", tag)])]),
            ));
        }
        Yaml::map(entries).document(&[" What `kubectl apply -k` makes of this folder."])
    }
}
