using System.Runtime.InteropServices;
using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML.Reversible.Tests.Kernels;

[TestClass]
public sealed class NativeTorchTests
{
    [TestMethod]
    public void IdleThreadsSpinBrieflyUnlessTheEnvironmentSaysOtherwise()
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("libgomp is Linux's.");
        NativeTorch.Require();
        string? asked = Environment.GetEnvironmentVariable("GOMP_SPINCOUNT");
        string? expected = asked ?? (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null ? "20000" : null);
        Assert.AreEqual(expected, Marshal.PtrToStringUTF8(Get("GOMP_SPINCOUNT")));
    }

    [TestMethod]
    public void TheVersionIsThatOfTheLibraryThatIsLoaded()
    {
        var version = Version.Parse(NativeTorch.LibtorchVersion);
        Assert.IsGreaterThanOrEqualTo(new Version(2, 10, 0), version);
        Assert.IsLessThan(new Version(3, 0, 0), version);
    }

    [TestMethod]
    [DataRow("libtorch.so: cannot open shared object file: No such file or directory", null)]
    [DataRow("libtorch_cpu.so: cannot open shared object file: No such file or directory", null)]
    [DataRow("libc10.so: cannot open shared object file: No such file or directory", "libc10.so: cannot open")]
    [DataRow("libcudart.so.12: cannot open shared object file: No such file or directory", "libcudart.so.12: cannot open")]
    [DataRow("/app/libtorch.so: file too short", "/app/libtorch.so: file too short")]
    [DataRow("/lib/libstdc++.so.6: version `GLIBCXX_3.4.30' not found", "GLIBCXX_3.4.30")]
    public void TheMessageNamesWhatIsMissingUnlessThatIsLibtorchAsAWhole(string line, string? named)
    {
        string message = NativeTorch.Describe(
            $"""
            Unable to load shared library 'LibTorchSharp' or one of its dependencies:
            {line}
            /app/LibTorchSharp.so: cannot open shared object file: No such file or directory
            /app/LibTorchSharp: cannot open shared object file: No such file or directory
            """);
        if (named is null) Assert.AreEqual(NativeTorch.MissingMessage, message);
        else StringAssert.Contains(message, named);
    }

    [TestMethod]
    public void OnlyTheVersionThatTheCopyDoesWithoutLeadsToTheProperty() =>
        Assert.AreEqual(
            NativeTorch.OlderLinuxMessage,
            NativeTorch.Describe("Unable to load\n/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by x)"));

    [TestMethod]
    public void AMessageOfOneLineIsThatLibtorchIsMissing() =>
        Assert.AreEqual(NativeTorch.MissingMessage, NativeTorch.Describe("The specified module could not be found. (0x8007007E)"));

    [DllImport("libc", EntryPoint = "getenv")]
    private static extern nint Get([MarshalAs(UnmanagedType.LPUTF8Str)] string name);
}
