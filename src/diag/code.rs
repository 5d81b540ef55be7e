//! The stable codes of all diagnostics.

use super::Severity;

/// Makes the enum and its tables from one list; the explanation of a code is `docs/codes/<code>.md`.
macro_rules! codes {
    ($($severity:ident $number:literal $name:ident: $meaning:literal,)*) => {
        /// What kind of mistake a diagnostic is about; its number never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its number: `BPC0203`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => concat!("BPC", $number),)* }
            }

            /// What it means, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// Whether it stops a build.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// The long text that `bpc explain` prints, in Markdown.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../docs/codes/BPC", $number, ".md")),)* }
            }
        }
    };
}

codes! {
    Error "0101" Syntax: "the text is not YAML",
    Error "0102" Tab: "a tab indents a line",
    Error "0103" ByteOrderMark: "the file starts with a byte order mark",
    Error "0104" CarriageReturn: "the file has Windows line ends",
    Error "0105" DuplicateKey: "a duplicate key in a mapping",
    Error "0106" TooLarge: "more than a blueprint can hold",
    Error "0107" ManyDocuments: "a file with more than one document",
    Error "0108" KeyNotText: "a key that is not a plain word",
    Error "0109" Tag: "a YAML tag",
    Error "0110" UnknownKey: "an unknown key",
    Error "0111" MissingKey: "a required key is missing",
    Error "0112" WrongType: "a value of the wrong type",
    Error "0113" UnknownWord: "a value that is not one of the choices",
    Error "0114" NumberOutOfRange: "a number outside its range",
    Error "0115" Include: "an include that is no list of relative paths",
    Error "0116" IncludeUnreadable: "an included file cannot be read",
    Error "0117" IncludeCycle: "files that include each other",
    Error "0118" UnknownVariable: "a variable that is not defined",
    Error "0119" VariableSyntax: "a reference to a variable that is not complete",
    Error "0120" VariableCycle: "variables that are defined by each other",
    Error "0121" Version: "an unsupported version of the blueprint language",
    Error "0122" EmptyDocument: "a file without content",
    Error "0123" NotUtf8: "a file that is not UTF-8",
    Error "0124" OutsidePath: "a path that leads out of the repository",
    Error "0201" CidrSyntax: "not a network in CIDR form",
    Error "0202" HostBits: "a network address with host bits",
    Error "0203" AddressOutsideNetwork: "an address outside its network",
    Error "0204" NetworkOrBroadcastAddress: "the address of a network itself or its broadcast address",
    Error "0205" AddressInPool: "an address inside a reserved pool",
    Error "0206" AddressTaken: "an address that is used twice",
    Error "0207" NetworksOverlap: "networks that overlap",
    Error "0208" PoolOutsideNetwork: "a pool outside its network",
    Error "0209" PoolsOverlap: "pools that overlap",
    Error "0210" VlanRange: "a VLAN id out of range",
    Error "0211" VlanTaken: "a VLAN id that is used twice on a trunk",
    Error "0212" TrunkWithoutVlan: "a trunk without a VLAN id, or a VLAN id without a trunk",
    Error "0213" NetworkFull: "a network without a free address",
    Warning "0214" HostOnlyRange: "a host-only network that VirtualBox refuses by default",
    Error "0215" KeyDoesNotApply: "a key that means nothing on this kind of network",
    Error "0216" InterfaceNameLength: "an interface name that Linux does not take",
    Error "0217" InterfaceNameTaken: "two interfaces of one name",
    Error "0218" AddressSyntax: "not an IPv4 address",
    Error "0219" NetworkSize: "a network that is too small or too large",
    Warning "0220" NetworkUnused: "a network that no machine is on",
    Error "0221" RangeSyntax: "not a range of addresses",
    Error "0222" CidrMissing: "a network without its address range",
    Error "0223" UnknownNetwork: "a network that is not in the blueprint",
    Error "0224" SpecialUse: "a network in a range that machines cannot use",
    Error "0225" Reach: "a network that cannot be reached, or needs no rule",
    Error "0301" NameSyntax: "a name that is not a DNS label",
    Error "0302" NameTaken: "two machines of one name",
    Error "0303" NetworkTwice: "a machine that is on one network twice",
    Error "0304" NicSlots: "more network adapters than VirtualBox has slots",
    Error "0305" RoleNeedsNetwork: "a role that lacks the network it needs",
    Error "0306" TooManyPins: "more addresses than machines",
    Error "0307" MacCollision: "two network adapters with one MAC address",
    Error "0308" ManyGateways: "more than one gateway",
    Error "0309" GatewayMissing: "something only a gateway can do, without a gateway",
    Error "0310" Publish: "a port that cannot be published",
    Error "0311" HostPortTaken: "a port of the host that is published twice",
    Error "0312" DomainSyntax: "a domain that is not a DNS name",
    Error "0313" PackageName: "not the name of a package",
    Error "0314" MachinesMissing: "a blueprint without machines",
    Error "0315" NameLength: "a name that becomes too long",
    Warning "0316" DomainReserved: "a domain that is used for something else",
    Error "0317" TooManyMachines: "more machines than one host can hold",
    Error "0318" PackageConflict: "a package that cannot be beside another",
    Error "0319" NothingListens: "a published port where nothing answers",
    Error "0401" SizeSyntax: "not a size",
    Error "0402" SizeRange: "a size out of range",
    Error "0403" VolumesTooLarge: "volumes that do not fit on the disk",
    Error "0404" MountPoint: "a mount point that is not a path, or stands twice",
    Error "0405" EpochSyntax: "not a time",
    Error "0406" EpochRange: "a time that artifacts cannot carry",
    Error "0407" Mirror: "not the address of a package mirror",
    Error "0408" SnapshotWithoutMirror: "a dated snapshot without a mirror",
    Error "0409" Release: "a release that the distribution does not have",
    Error "0410" DiskFile: "a disk file that cannot be used",
    Error "0411" DataDisk: "a data disk that a machine cannot have",
    Error "0412" Firmware: "a firmware that the processor does not have",
    Warning "0413" NoDriver: "a disk that the image has no driver for",
    Error "0414" VolumeName: "a mount point that gives its volume no name",
    Error "0415" MountOptions: "a mount option that the system does not work with",
    Error "0416" VolumeFileSystem: "a volume that is too small for its file system",
    Error "0417" VolumeOfImage: "a change to a volume of the image",
    Error "0418" VolumeGroup: "a volume group that a machine does not have",
    Error "0419" DiskPurpose: "a data disk with conflicting purposes, or with none",
    Error "0420" Proxy: "a proxy that packages cannot come through",
    Error "0421" VolumeGroupName: "a volume group that is called as something in /dev",
    Error "0501" UserName: "a user name that Debian does not take",
    Error "0502" SshKey: "not an SSH public key",
    Error "0503" SshPrivateKey: "a private key in a blueprint",
    Warning "0504" OnlyOperatorMayEnter: "nobody but the operator can log in",
    Error "0505" TimeZone: "not a time zone",
    Error "0506" Locale: "not a locale",
    Error "0507" HostName: "neither a host name nor an address",
    Error "0508" Forwarder: "a name server that the gateway cannot ask",
    Error "0601" LoadBalancerNetwork: "a floating address that no load balancer can hold",
    Error "0602" LoadBalancerMissing: "an incomplete load balancer",
    Error "0603" KubernetesVersion: "a Kubernetes version that bpc does not have",
    Error "0604" KubernetesMissing: "control planes without a Kubernetes version",
    Error "0605" ControlPlaneSize: "a control plane that kubeadm refuses",
    Error "0606" ControlPlaneMissing: "workers without a control plane",
    Warning "0607" EvenControlPlanes: "an even number of control planes",
    Error "0608" ServiceNetwork: "a network that services cannot have",
    Error "0609" ClusterDomain: "a domain that services cannot have",
    Error "0610" EtcdTopology: "an incomplete external etcd",
    Error "0611" CertificateDays: "certificates that outlive their authority",
    Error "0612" UnknownSecret: "a secret that the blueprint does not have",
    Error "0613" CertificatesNotGood: "certificates that are not valid at a given time",
    Warning "0614" CertificatesEndSoon: "certificates that expire soon after a given time",
    Error "0615" EtcdSettings: "a time that etcd's snapshots cannot keep",
    Warning "0616" EtcdVolume: "a volume that etcd may fill",
    Error "0701" FailoverSettings: "unused failover settings",
    Warning "0702" NoFencing: "no fencing: after a network split two machines may hold the floating address",
    Error "0703" FenceAgents: "fence agents that do not fit the machines",
    Error "0704" SecondLink: "an unusable second link",
    Error "0705" BalancedPort: "a port or a name of the load balancer that is taken",
    Error "0706" BalancedMachine: "a machine or a network that nothing can be balanced to or from",
    Error "0707" BalancingValue: "a time or a path that HAProxy does not take",
    Error "0708" BalancingSettings: "unused load balancer settings",
    Error "0801" DownloadValue: "a download that cannot be fetched or verified",
    Error "0802" UnknownDownload: "a download that no machine makes",
    Warning "0803" DownloadWithoutDigest: "a download that nothing verifies",
    Error "0804" ContainerdVersion: "a container runtime that this Kubernetes does not work with",
    Error "0805" PodNetwork: "a network that pods cannot have",
    Error "0806" NetworkPlugin: "a network plugin that bpc does not have",
    Error "0807" Manifest: "a manifest that cannot be applied",
    Error "0808" AddOn: "an add-on that lacks what it needs",
    Error "0809" KubeadmField: "a field of kubeadm that bpc decides",
    Error "0810" KubeadmPatch: "a patch that kubeadm does not read",
    Error "0811" NodeLabel: "a label or a taint that a node does not take",
    Error "0812" RegistryMirror: "a mirror of images that cannot be asked",
    Error "0813" NodeRoom: "pods that no machine has room for",
    Warning "0814" NodeTight: "a machine with little room beside its pods",
    Error "0815" Resources: "resources that a pod cannot ask for",
    Error "0816" KubeadmUnknownField: "a field that kubeadm, the kubelet or kube-proxy does not have",
    Error "0817" KubeadmValue: "a value that kubeadm, the kubelet or kube-proxy does not take",
    Error "0818" KubeadmConflict: "a setting of kubeadm that contradicts the blueprint",
    Error "0901" VaultPermissions: "a vault that others can read",
    Error "0902" VaultSize: "a vault that is not 32 bytes long",
    Error "0903" VaultUnreadable: "a vault that cannot be read or made",
    Error "0904" BlueprintUnreadable: "a blueprint that cannot be read",
    Error "0905" BlueprintNameTaken: "two blueprints of one name",
    Error "0906" OtherVault: "a tree that was built with another vault",
}

impl Code {
    /// The code of that number, upper or lower case, with or without `BPC`.
    #[must_use]
    pub fn find(number: &str) -> Option<Self> {
        let upper = number.to_ascii_uppercase();
        let digits = upper.strip_prefix("BPC").unwrap_or(&upper);
        Self::ALL.iter().copied().find(|code| code.as_str().strip_prefix("BPC") == Some(digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_in_order() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }

    #[test]
    fn explanations_start_with_their_code() {
        for code in Code::ALL {
            let title = format!("# {}: {}\n", code.as_str(), code.meaning());
            assert!(code.explanation().starts_with(&title), "docs/codes/{}.md: {title}", code.as_str());
        }
    }

    #[test]
    fn finds_a_code_by_any_spelling() {
        assert_eq!(Code::find("bpc0203"), Some(Code::AddressOutsideNetwork));
        assert_eq!(Code::find("0203"), Some(Code::AddressOutsideNetwork));
        assert_eq!(Code::find("BPC9999"), None);
    }
}
