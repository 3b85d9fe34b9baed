using System.Diagnostics;

namespace Microsoft.ML.Reversible.Tests.Storage;

/// <summary>
/// A file system of one megabyte, to test a full disk. Only root on Linux can make one; elsewhere the test is inconclusive.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public SmallDisk()
    {
        if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", FullName))
            return;
        _folder.Dispose();
        Assert.Inconclusive("No small file system can be mounted here.");
    }

    public string FullName => _folder.FullName;

    public string[] Entries => _folder.Entries;

    public static void Fill(Stream stream)
    {
        var block = new byte[1 << 16];
        for (int i = 0; i < 64; i++)
            stream.Write(block);
    }

    public void Dispose()
    {
        Run("umount", FullName);
        _folder.Dispose();
    }

    private static bool Run(string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        try
        {
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
