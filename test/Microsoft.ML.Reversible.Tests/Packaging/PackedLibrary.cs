using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Build;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>The library's package, packed once for all tests, and TorchSharp's native library as its package has it.</summary>
[TestClass]
public static class PackedLibrary
{
    private static readonly Lazy<string> _folder = new(Pack);

    /// <summary>Not that of a release, which a package cache may hold.</summary>
    public const string Version = "0.0.0-test";

    /// <summary>The folder of the package and of its symbols.</summary>
    internal static string Folder => _folder.Value;

    internal static string Package => Path.Combine(Folder, $"Reversible.MLNet.{Version}.nupkg");

    internal static string TorchSharpVersion => VersionOf("TorchSharpVersion");

    internal static string LibTorchVersion => VersionOf("LibTorchVersion");

    /// <summary>The folder that NuGet keeps packages in.</summary>
    internal static string Cache { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>The file that older distributions do not load.</summary>
    internal static string Native
    {
        get
        {
            string file = Path.Combine(Cache, "torchsharp", TorchSharpVersion, "runtimes/linux-x64/native/libLibTorchSharp.so");
            if (!File.Exists(file)) Assert.Inconclusive("TorchSharp's package is in another folder than NuGet's default.");
            return file;
        }
    }

    /// <summary>The bytes of <see cref="Native"/> with the need of the version marked.</summary>
    internal static byte[] MarkedNative()
    {
        byte[] bytes = File.ReadAllBytes(Native);
        Assert.IsTrue(new VersionNeeds(bytes).MarkWeak("GLIBCXX_3.4.32", ["_ZSt21ios_base_library_initv"]));
        return bytes;
    }

    internal static string Hash(string file) => Hash(File.ReadAllBytes(file));

    internal static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    [AssemblyCleanup]
    public static void Delete()
    {
        if (_folder.IsValueCreated) Directory.Delete(Folder, recursive: true);
    }

    private static string Pack()
    {
        string folder = Directory.CreateTempSubdirectory("reversible-package-").FullName;
        string project = Document.PathOf("src/Microsoft.ML.Reversible");
        // PackageVersion alone, so that nothing is compiled for it.
        string output = Dotnet.Build(project, "pack", "-c", "Release", "-o", folder, $"-p:PackageVersion={Version}");
        Assert.IsFalse(output.Contains("warning", StringComparison.OrdinalIgnoreCase), output);
        return folder;
    }

    private static string VersionOf(string property) =>
        Regex.Match(File.ReadAllText(Document.PathOf("Directory.Packages.props")), $"<{property}>(.+)</{property}>").Groups[1].Value;
}
