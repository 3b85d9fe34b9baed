using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Cli;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Host;

/// <summary>
/// Numbers, texts and files are the same in every culture. This program runs without ICU, in the invariant culture alone, so each test
/// starts processes that have it.
/// </summary>
[TestClass]
public sealed class CultureTests
{
    // Decimal commas, the Turkish i, other signs of minus and separators, groups of two digits.
    private static readonly string[] _cultures = ["de-DE", "tr-TR", "fa-IR", "ar-SA", "hi-IN", "fr-CH"];

    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void TheLibraryWritesAndReadsTheSameInSixCultures()
    {
        ZeroShotFiles.WritePiqa(_scratch.File("piqa.jsonl"), 6);
        string[] arguments =
        [
            typeof(FreshProcessCulture).Assembly.Location, "culture", _scratch.FullName, _scratch.File("piqa.jsonl"), "invariant",
            .. _cultures,
        ];
        FreshProcessCulture.Result[] results = JsonSerializer.Deserialize<FreshProcessCulture.Result[]>(Output("C", arguments))!;
        FreshProcessCulture.Result expected = results[0];
        Assert.AreEqual(("-1,234,567.5", "ISTANBUL"), (expected.Number, expected.Upper));
        CollectionAssert.AreEqual(_cultures, results.Skip(1).Select(result => result.Culture).ToArray());
        foreach (FreshProcessCulture.Result result in results.Skip(1))
        {
            Assert.AreNotEqual(expected.Number, result.Number, result.Culture);
            Assert.AreEqual(result.Culture == "tr-TR", expected.Upper != result.Upper, result.Culture);
            CollectionAssert.AreEqual(expected.Texts, result.Texts, result.Culture);
            AssertSameFiles(_scratch.File("invariant"), _scratch.File(result.Culture), result.Culture);
        }
    }

    [TestMethod]
    public void TheCommandLineWritesAndReadsTheSame()
    {
        const string culture = "fa-IR";
        string text = CliRun.WriteText(_scratch.File("text.txt"));
        string[] train = ["train", "--data", text, .. CliRun.Quick, "--learning-rate", "0.005", "--final-learning-rate", "5E-4"];
        foreach (string at in (string[])["C", culture]) Reversible(at, [.. train, "--out", _scratch.File(at)]);
        AssertSameFiles(_scratch.File("C"), _scratch.File(culture), culture);
        string[][] verbs = [["score", "--data", text], ["stability", "--data", text, "--krylov-dimension", "4"]];
        foreach (string[] verb in verbs)
        {
            string[] arguments = [.. verb, "--model", _scratch.File("C")];
            Assert.AreEqual(Reversible("C", arguments), Reversible(culture, arguments), string.Join(' ', verb));
        }
    }

    private static string Reversible(string culture, params string[] arguments) =>
        Output(culture, [typeof(Reversible.Cli.CommandLine).Assembly.Location, .. arguments]);

    private static string Output(string culture, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "0";
        start.Environment["LC_ALL"] = culture == "C" ? culture : $"{culture.Replace('-', '_')}.UTF-8";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (error.Result.Contains("ICU", StringComparison.Ordinal))
            Assert.Inconclusive("There is no ICU on this system, without which .NET knows the invariant culture alone. Install libicu.");
        Assert.AreEqual(0, process.ExitCode, error.Result);
        return output;
    }

    /// <summary>What is not measured: all files of models, and the losses of the metrics.</summary>
    private static void AssertSameFiles(string expected, string actual, string culture)
    {
        string[] names = [.. Names(expected)];
        Assert.IsGreaterThan(3, names.Length);
        CollectionAssert.AreEqual(names, Names(actual).ToArray());
        foreach (string name in names)
        {
            string one = Path.Combine(expected, name), other = Path.Combine(actual, name);
            if (name.EndsWith(".jsonl", StringComparison.Ordinal))
                CollectionAssert.AreEqual(Losses(one), Losses(other), culture);
            else
                CollectionAssert.AreEqual(File.ReadAllBytes(one), File.ReadAllBytes(other), $"{culture}: {name}");
        }

        static IEnumerable<string> Names(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal);

        static string[] Losses(string file) =>
            [.. File.ReadLines(file).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("loss").GetRawText())];
    }
}
