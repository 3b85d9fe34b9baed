using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>What ReversibleOlderLinux does to a user's build. The project has no libtorch, so that builds are small.</summary>
[TestClass]
[DoNotParallelize]
public sealed class OlderLinuxBuildTests
{
    private const string Built = "out/" + ConsoleProject.NativeName, Published = "pub/" + ConsoleProject.NativeName;
    private const string HardLinks = "-p:CreateHardLinksForCopyLocalIfPossible=true";
    private const string HardLinksOfPublish = "-p:CreateHardLinksForPublishFilesIfPossible=true";
    private ConsoleProject _project = null!;
    private string _original = "", _marked = "";

    [TestInitialize]
    public void Create()
    {
        _original = PackedLibrary.Hash(PackedLibrary.Native);
        _marked = PackedLibrary.Hash(PackedLibrary.MarkedNative());
        _project = new ConsoleProject(withLibtorch: false);
    }

    /// <summary>Whatever was built, the file that all projects of the machine share is as it was.</summary>
    [TestCleanup]
    public void Delete()
    {
        _project.Dispose();
        Assert.AreEqual(_original, PackedLibrary.Hash(PackedLibrary.Native));
    }

    /// <summary>Each publish builds first. Without the switch an output can be a link to the package's file.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void OutputsFollowTheSwitch(bool hardLinks)
    {
        string[] options = hardLinks ? [HardLinks, HardLinksOfPublish] : [];
        foreach (bool olderLinux in (bool[])[true, false, true])
        {
            _project.Run("publish", olderLinux, options);
            AssertFile(olderLinux ? _marked : _original, Built);
            AssertFile(olderLinux ? _marked : _original, Published);
        }

        _project.Run("build", olderLinux: false);
        AssertFile(_original, Built);
    }

    [TestMethod]
    public void ASingleFileHoldsTheMarkedCopyAndWithoutLibtorchEndsWithOneMessage()
    {
        _project.Run(
            "publish", options: ["-r", "linux-x64", "--self-contained", "false", "-p:PublishSingleFile=true",
                "-p:IncludeNativeLibrariesForSelfExtract=true", HardLinks]);
        byte[] bundle = File.ReadAllBytes(_project.PathOf("pub/Program"));
        Assert.IsGreaterThan(0, bundle.AsSpan().IndexOf(PackedLibrary.MarkedNative()));
        if (ConsoleProject.Platform == "linux-x64") AssertMissing("pub/Program");
    }

    /// <summary>The copy in obj is one of the build's files, under an absolute IntermediateOutputPath too.</summary>
    [TestMethod]
    public void AnArtifactsFolderGetsTheMarkedCopyAndACleanDeletesIt()
    {
        string artifacts = _project.PathOf("all artifacts");
        string[] options = ["-c", "Release", "--artifacts-path", artifacts, "-p:ReversibleOlderLinux=true"];
        string[] Copies() => [.. Directory.GetFiles(_project.Folder, "libLibTorchSharp.so*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(artifacts, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        Dotnet.Build(_project.Folder, ["build", .. options]);
        string[] expected =
        [
            $"bin/Program/release/{ConsoleProject.NativeName}",
            $"obj/Program/release/reversible/{ConsoleProject.NativeName}",
        ];
        CollectionAssert.AreEqual(expected, Copies());
        foreach (string copy in expected) AssertFile(_marked, "all artifacts/" + copy);
        Dotnet.Build(_project.Folder, ["clean", .. options]);
        CollectionAssert.AreEqual(Array.Empty<string>(), Copies());
    }

    [TestMethod]
    public void ABuildForLinuxAloneGetsTheMarkedCopy()
    {
        _project.Run("build", options: ["-r", "linux-x64", "-p:UseAppHost=false"]);
        AssertFile(_marked, "out/libLibTorchSharp.so");
    }

    [TestMethod]
    public void ABuildForWindowsIsAsItIs()
    {
        _project.Run("build", options: ["-r", "win-x64", "-p:UseAppHost=false"]);
        Assert.IsTrue(File.Exists(_project.PathOf("out/LibTorchSharp.dll")));
        Assert.IsFalse(File.Exists(_project.PathOf("out/libLibTorchSharp.so")));
    }

    [TestMethod]
    public void WithoutLibtorchOneMessageSaysWhatToAdd()
    {
        _ = ConsoleProject.Platform;
        _project.Run("build");
        AssertMissing("out/Program.dll");
    }

    // TorchSharp also looks into the folder of NuGet's packages.
    private void AssertMissing(string program)
    {
        ProcessResult result = _project.Start(
            program, ("NUGET_PACKAGES", _project.PathOf("no packages")), ("LD_LIBRARY_PATH", null), ("DYLD_LIBRARY_PATH", null),
            ("DOTNET_BUNDLE_EXTRACT_BASE_DIR", _project.PathOf("extracted")));
        Assert.AreEqual(NativeTorch.MissingMessage, OneMessage.Assert(result));
    }

    private void AssertFile(string hash, string file) => Assert.AreEqual(hash, PackedLibrary.Hash(_project.PathOf(file)), file);
}
