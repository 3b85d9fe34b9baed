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
        string? expected = asked ?? (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null ? "2000" : null);
        Assert.AreEqual(expected, Marshal.PtrToStringUTF8(Get("GOMP_SPINCOUNT")));
    }

    [TestMethod]
    public void TheCauseIsTheLineThatSaysMoreThanThatAFileIsMissing()
    {
        const string missing =
            """
            Unable to load shared library 'LibTorchSharp' or one of its dependencies:
            /app/libLibTorchSharp.so: libtorch.so: cannot open shared object file: No such file or directory
            /app/LibTorchSharp: cannot open shared object file: No such file or directory
            """;
        Assert.IsNull(NativeTorch.CauseIn(missing));
        Assert.AreEqual(
            "/app/libtorch.so: file too short", NativeTorch.CauseIn(missing + "\n/app/libtorch.so: file too short\n"));
        Assert.IsNull(NativeTorch.CauseIn(""));
    }

    [DllImport("libc", EntryPoint = "getenv")]
    private static extern nint Get([MarshalAs(UnmanagedType.LPUTF8Str)] string name);
}
