using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>What the programs of this repository reference, as their projects are evaluated.</summary>
[TestClass]
public sealed class RepositoryBuildTests
{
    /// <summary>Also those that another machine's platform needs.</summary>
    [TestMethod]
    [DataRow("linux-x64")]
    [DataRow("win-x64")]
    [DataRow("osx-arm64")]
    public void AProgramHasTheLibtorchOfThePlatformThatItIsBuiltFor(string platform) =>
        CollectionAssert.AreEqual(new[] { $"libtorch-cpu-{platform}" }, Libtorches($"-p:RuntimeIdentifier={platform}"));

    [TestMethod]
    public void AProgramHasTheLibtorchOfThisMachine() =>
        CollectionAssert.AreEqual(new[] { $"libtorch-cpu-{ConsoleProject.Platform}" }, Libtorches());

    [TestMethod]
    [DataRow("none", "")]
    [DataRow("cuda-linux", "TorchSharp-cuda-linux")]
    [DataRow("cuda-windows", "TorchSharp-cuda-windows")]
    public void AProgramHasTheLibtorchThatIsAskedFor(string library, string package) => CollectionAssert.AreEqual(
        package.Split(' ', StringSplitOptions.RemoveEmptyEntries), Libtorches($"-p:TorchLibrary={library}"));

    private static string[] Libtorches(params string[] options)
    {
        string output = Dotnet.Build(
            Document.PathOf("samples/Quickstart"), ["msbuild", "-p:TorchLibrary=cpu", .. options, "-getItem:PackageReference"]);
        using JsonDocument items = JsonDocument.Parse(output);
        return
        [
            .. items.RootElement.GetProperty("Items").GetProperty("PackageReference").EnumerateArray()
                .Select(item => item.GetProperty("Identity").GetString()!)
                .Where(name => name.StartsWith("libtorch-") || name.StartsWith("TorchSharp-")),
        ];
    }
}
