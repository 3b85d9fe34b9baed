using System.Runtime.InteropServices;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>A console project of a user, outside the repository, that installs the package from a local folder.</summary>
internal sealed class ConsoleProject : IDisposable
{
    /// <summary>Trains, saves and loads, in the folder that it is given.</summary>
    private const string Program = """
        using Microsoft.ML;
        using Microsoft.ML.Data;
        using Microsoft.ML.Reversible;

        string folder = args[0];
        var ml = new MLContext(seed: 1);
        IEnumerable<Row> rows = Enumerable.Range(0, 40).Select(i => new Row { Text = $"Tom had {i} cats and a boat." });
        IDataView texts = ml.Data.LoadFromEnumerable(rows);
        using ReversibleLmTransformer model = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            Scheme = Scheme.Midpoint, LayerCount = 2, HeadCount = 2, Width = 16, ContextLength = 16,
            Tokenization = TextTokenization.Byte, MaxSteps = 5, WarmupSteps = 1,
        }).Fit(texts);
        ml.Model.Save(model, texts.Schema, Path.Combine(folder, "model.zip"));
        ITransformer zip = ml.Model.Load(Path.Combine(folder, "model.zip"), out _);
        model.SavePretrained(Path.Combine(folder, "pretrained"));
        using ReversibleLmTransformer pretrained = ml.Reversible().LoadPretrained(Path.Combine(folder, "pretrained"));
        float Score(ITransformer scorer) => scorer.Transform(texts).GetColumn<float>("Perplexity").First();
        Console.WriteLine(Score(model) == Score(zip) && Score(model) == Score(pretrained) ? "trained, saved and loaded" : "scores differ");

        public sealed class Row
        {
            public string Text { get; set; } = "";
        }
        """;

    private readonly ScratchFolder _scratch = new();

    /// <param name="withLibtorch">Whether it references the libtorch of this machine's platform.</param>
    /// <param name="program">Its source, if not the one above.</param>
    public ConsoleProject(bool withLibtorch, string program = Program)
    {
        // A space, since people have them in their paths; no file of the repository applies here.
        Folder = Directory.CreateDirectory(_scratch.File("a project")).FullName;
        foreach (string file in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
            File.WriteAllText(_scratch.File(file), "<Project />");
        File.WriteAllText(_scratch.File("nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{PackedLibrary.Folder}" />
              </packageSources>
            </configuration>
            """);
        // What is installed already is read where it lies; the package under test goes away with the project.
        string libtorch = withLibtorch
            ? $"""<PackageReference Include="libtorch-cpu-{Platform}" Version="{PackedLibrary.LibTorchVersion}" />"""
            : "";
        File.WriteAllText(PathOf("Program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningsNotAsErrors>NU1900;NU1901;NU1902;NU1903;NU1904</WarningsNotAsErrors>
                <RestorePackagesPath>$(MSBuildThisFileDirectory)../packages</RestorePackagesPath>
                <RestoreFallbackFolders>{PackedLibrary.Cache}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Reversible.MLNet" Version="{PackedLibrary.Version}" />
                {libtorch}
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(PathOf("Program.cs"), program);
    }

    /// <summary>The platform's part of the name of libtorch's package; inconclusive where there is none.</summary>
    public static string Platform
    {
        get
        {
            string system = OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsWindows() ? "win" : "osx";
            string platform = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
            if (platform is not ("linux-x64" or "win-x64" or "win-arm64" or "osx-arm64"))
                Assert.Inconclusive($"No libtorch package is for {platform}.");
            return platform;
        }
    }

    /// <summary>The folder of the project's file.</summary>
    public string Folder { get; }

    /// <summary>Where the file for older distributions is in an output for all platforms.</summary>
    public const string NativeName = "runtimes/linux-x64/native/libLibTorchSharp.so";

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Builds or publishes in Release, into the folders out or pub.</summary>
    public void Run(string command, bool olderLinux = true, params string[] options) => Dotnet.Build(
        Folder,
        [
            command, "-c", "Release", $"-p:ReversibleOlderLinux={(olderLinux ? "true" : "")}",
            "-p:OutDir=out/", "-p:PublishDir=pub/", .. options,
        ]);

    /// <summary>Runs the built or published program in an empty folder.</summary>
    public ProcessResult Start(string program, params (string Name, string? Value)[] environment)
    {
        string results = _scratch.File("results");
        if (Directory.Exists(results)) Directory.Delete(results, recursive: true);
        Directory.CreateDirectory(results);
        return program.EndsWith(".dll", StringComparison.Ordinal)
            ? Dotnet.Run("dotnet", Folder, [PathOf(program), results], environment)
            : Dotnet.Run(PathOf(OperatingSystem.IsWindows() ? program + ".exe" : program), Folder, [results], environment);
    }

    public void Dispose() => _scratch.Dispose();
}
