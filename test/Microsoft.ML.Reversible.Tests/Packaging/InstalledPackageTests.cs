using System.Text;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>Tests a user's program with the package and this platform's libtorch.</summary>
[TestClass]
[DoNotParallelize]
public sealed class InstalledPackageTests
{
    private const string Done = "trained, saved and loaded";
    private const string Version = "GLIBCXX_3.4.32";
    private static ConsoleProject? _project;

    [ClassInitialize]
    public static void Build(TestContext context)
    {
        _ = ConsoleProject.Platform;
        _project = new ConsoleProject(withLibtorch: true);
        // Links in place of copies: half a gigabyte each time.
        _project.Run("build", options: "-p:CreateHardLinksForCopyLocalIfPossible=true");
    }

    [ClassCleanup]
    public static void Delete() => _project?.Dispose();

    [TestMethod]
    public void TheProgramTrainsSavesAndLoads() => AssertDone(_project!.Start("out/Program.dll"));

    [TestMethod]
    public void ThePublishedProgramTrainsSavesAndLoads()
    {
        _project!.Run("publish", options: "-p:CreateHardLinksForPublishFilesIfPossible=true");
        AssertDone(_project.Start("pub/Program"));
    }

    [TestMethod]
    public void TheSingleFileWithItsNativesBesideItTrainsSavesAndLoads()
    {
        PublishSingleFile("beside/", "-p:CreateHardLinksForPublishFilesIfPossible=true");
        Assert.AreEqual(OperatingSystem.IsLinux(), File.Exists(_project!.PathOf("beside/libLibTorchSharp.so")));
        AssertDone(_project.Start("beside/Program"));
    }

    [TestMethod]
    public void TheSingleFileWithItsNativesInsideTrainsSavesAndLoads()
    {
        PublishSingleFile("inside/", "-p:IncludeNativeLibrariesForSelfExtract=true");
        CollectionAssert.AreEquivalent(
            new[] { ".pdb", OperatingSystem.IsWindows() ? ".exe" : "" },
            Directory.GetFiles(_project!.PathOf("inside")).Select(Path.GetExtension).ToArray());
        // Its copies of the natives, half a gigabyte, go with the project.
        AssertDone(_project.Start("inside/Program", ("DOTNET_BUNDLE_EXTRACT_BASE_DIR", _project.PathOf("extracted"))));
        File.Delete(_project.PathOf(OperatingSystem.IsWindows() ? "inside/Program.exe" : "inside/Program"));
    }

    [TestMethod]
    public void TheProgramOfItsReadmeRuns()
    {
        string program = Repository.Document.Open("src/Microsoft.ML.Reversible/PackageReadme.md").Blocks("csharp").Single();
        using var project = new ConsoleProject(withLibtorch: true, program);
        File.WriteAllLines(project.PathOf("stories.txt"), Enumerable.Range(0, 100).Select(i => $"Once upon a time Tom had {i} cats."));
        project.Run("build", options: "-p:CreateHardLinksForCopyLocalIfPossible=true");
        ProcessResult result = project.Start("out/Program.dll");
        Assert.AreEqual(0, result.ExitCode, result.Errors);
        Assert.IsTrue(File.Exists(project.PathOf("model/model.safetensors")));
    }

    /// <summary>On each machine, with a file that asks for a version that no libstdc++ has.</summary>
    [TestMethod]
    public void WhereTheSystemIsOlderStillOneMessageNamesTheVersion()
    {
        byte[] bytes = File.ReadAllBytes(PackedLibrary.Native);
        const string newer = "GLIBCXX_9.9.99";
        Replace(bytes, Encoding.ASCII.GetBytes($"\0{Version}\0"), Encoding.ASCII.GetBytes($"\0{newer}\0"));
        Replace(bytes, BitConverter.GetBytes(HashOf(Version)), BitConverter.GetBytes(HashOf(newer)));
        string message = OneMessage.Assert(StartWith(bytes));
        StringAssert.StartsWith(message, "libtorch is there, but does not load: ");
        StringAssert.Contains(message, newer);
    }

    [TestMethod]
    public void TheFileOfThePackageLoadsOrTheMessageSaysWhatToSet()
    {
        ProcessResult result = StartWith(File.ReadAllBytes(PackedLibrary.Native));
        if (result.ExitCode == 0) AssertDone(result);
        else Assert.AreEqual(NativeTorch.OlderLinuxMessage, OneMessage.Assert(result));
    }

    private static void AssertDone(ProcessResult result)
    {
        Assert.AreEqual(0, result.ExitCode, result.Errors);
        Assert.AreEqual(Done, result.Output.Trim());
    }

    private static void PublishSingleFile(string folder, string option) => _project!.Run(
        "publish", options: ["-r", ConsoleProject.Platform, "--self-contained", "false", "-p:PublishSingleFile=true", option,
            "-p:OutDir=single/", $"-p:PublishDir={folder}", "-p:CreateHardLinksForCopyLocalIfPossible=true"]);

    /// <summary>Starts the built program with another native library in its output folder.</summary>
    private static ProcessResult StartWith(byte[] native)
    {
        if (ConsoleProject.Platform != "linux-x64") Assert.Inconclusive("The file is for Linux on x64.");
        string file = _project!.PathOf("out/" + ConsoleProject.NativeName), kept = file + ".kept";
        File.Move(file, kept);
        try
        {
            File.WriteAllBytes(file, native);
            return _project.Start("out/Program.dll");
        }
        finally
        {
            File.Move(kept, file, overwrite: true);
        }
    }

    private static void Replace(byte[] bytes, byte[] old, byte[] replacement)
    {
        int at = bytes.AsSpan().IndexOf(old);
        Assert.IsGreaterThan(0, at);
        Assert.AreEqual(-1, bytes.AsSpan(at + 1).IndexOf(old));
        replacement.CopyTo(bytes, at);
    }

    /// <summary>The hash of a name in ELF files (System V ABI).</summary>
    private static uint HashOf(string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }
        return hash;
    }
}
