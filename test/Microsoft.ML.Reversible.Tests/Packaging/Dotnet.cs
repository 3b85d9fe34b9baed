using System.Diagnostics;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>What a process wrote, and how it ended.</summary>
internal sealed record ProcessResult(int ExitCode, string Output, string Errors);

/// <summary>Runs the SDK and programs in processes of their own.</summary>
internal static class Dotnet
{
    // Those of the SDK that runs the tests would reach the children's builds.
    private static readonly string[] _inherited =
        ["MSBuildSDKsPath", "MSBUILD_EXE_PATH", "MSBuildExtensionsPath", "MSBuildLoadMicrosoftTargetsReadOnly"];

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    /// <summary>Runs a command of the SDK that builds, and leaves no server behind. Fails the test unless it ends with 0.</summary>
    public static string Build(string folder, params string[] arguments)
    {
        ProcessResult result = Run("dotnet", folder, [.. arguments, "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"]);
        Assert.AreEqual(0, result.ExitCode, $"dotnet {string.Join(' ', arguments)}: {result.Output}{result.Errors}");
        return result.Output;
    }

    /// <summary>Runs a program.</summary>
    /// <param name="program">Its file, or a name on the path.</param>
    /// <param name="folder">The folder that it runs in.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set; those that are null are removed.</param>
    public static ProcessResult Run(
        string program, string folder, string[] arguments, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (string name in _inherited) start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        foreach ((string name, string? value) in environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} ran for longer than {_limit}.");
        }

        return new ProcessResult(process.ExitCode, output.Result, errors.Result);
    }
}
