using System.CommandLine;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Cli.Benchmark;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Cli.Verbs;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Tests every option of every verb: it has its effect, or it is refused where it has none, however it is typed.</summary>
[TestClass]
public sealed partial class OptionTests
{
    private static readonly Verb[] Verbs =
        Reversible.Cli.CommandLine.Verbs(new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null));

    private static ScratchFolder _shared = null!;

    public static IEnumerable<object[]> Unused => OptionCases.Unused.Select(one => new object[] { one.Verb, one.Line });

    public static IEnumerable<object[]> Effects => OptionCases.Effects.Select(one => new object[] { one.Verb, one.Shared, one.Line });

    /// <summary>The tables of options that set properties, by verb.</summary>
    private static IEnumerable<(string Verb, IReadOnlyList<string> Properties)> Tables =>
    [
        ("train", TrainSettings.Table().Properties),
        ("retrofit", RetrofitSettings.Table().Properties),
        ("finetune", FineTuneSettings.Table().Properties),
        ("align", AlignSettings.Table().Properties),
        ("generate", GenerateVerb.Settings().Properties),
        ("chat", ChatVerb.Settings().Properties),
        ("bench", BenchSettings.Table().Properties),
    ];

    [ClassInitialize]
    public static void Prepare(TestContext context)
    {
        _shared = new ScratchFolder();
        CliRun.WriteText(_shared.File("text.txt"), rows: 40);
        Chats.Write(_shared.File("chats.jsonl"));
        Preferences.Write(_shared.File("pairs.jsonl"));
        File.WriteAllLines(_shared.File("piqa.jsonl"),
        [
            """{"goal": "see", "sol1": "look", "sol2": "listen to it", "label": 0}""",
            """{"goal": "hear", "sol1": "look at it", "sol2": "listen", "label": 1}""",
        ]);
        using ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), Shape);
        model.SavePretrained(_shared.File("model"));
        Adapters.Save(model.Network, _shared.File("adapter"), deviation: 1);
    }

    [ClassCleanup]
    public static void Delete() => _shared.Dispose();

    private static void Shape(ReversibleLmTrainer.Options o) => (o.Scheme, o.MaxSteps, o.ContextLength) = (Scheme.Residual, 5, 64);

    [TestMethod]
    public void EveryOptionOfEveryVerbHasACase()
    {
        string[] options = [.. Verbs.SelectMany(verb => verb.Command.Options.Select(option => $"{verb.Command.Name} {option.Name}"))];
        string[] cases =
        [
            .. OptionCases.Effects.Select(one => $"{one.Verb} {one.Line.Split(' ')[0]}"),
            .. OptionCases.SameBits.Keys,
            .. Tables.SelectMany(table => table.Properties.Select(property => $"{table.Verb} {OptionOf(property)}")),
        ];
        CollectionAssert.AreEquivalent(options, cases.Distinct().ToArray());
        foreach ((string verb, string line) in OptionCases.Unused) CollectionAssert.Contains(options, $"{verb} {Named(line)}");
    }

    [TestMethod]
    [DynamicData(nameof(Unused))]
    public void AnOptionThatHasNoEffectIsRefusedAtItsDefaultToo(string verb, string line)
    {
        using var scratch = new ScratchFolder();
        string needed = verb switch
        {
            "train" => "--data DATA --out RUN/out",
            "retrofit" => "--teacher MODEL --data DATA --out RUN/out",
            "finetune" => "--model BASE --data CHATS --out RUN/out",
            "generate" => "--model MODEL --prompt the",
            "chat" => "--model MODEL --format zephyr",
            _ => "",
        };
        CliRun run = Run(scratch, verb, line, needed);
        Assert.AreEqual(1, run.Code, run.Error);
        StringAssert.StartsWith(run.Error, $"reversible: {Named(line)} has no effect ");
        StringAssert.Contains(run.Error, ". Leave it out, or ");
        Assert.AreEqual(1, run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, run.Error);
        Assert.IsEmpty(scratch.Entries);
    }

    [TestMethod]
    [DynamicData(nameof(Effects))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string verb, string shared, string line) =>
        Assert.AreNotEqual(Output(verb, shared), Output(verb, shared, line));

    [TestMethod]
    public void EveryOptionThatSetsAPropertyArrivesThere()
    {
        AssertArrives(TrainSettings.Table(), () => new());
        AssertArrives(RetrofitSettings.Table(), () => new());
        AssertArrives(FineTuneSettings.Table(), () => new());
        AssertArrives(AlignSettings.Table(), () => new());
        AssertArrives(GenerateVerb.Settings(), () => new());
        AssertArrives(ChatVerb.Settings(), () => new());
        AssertArrives(BenchSettings.Table(), () => new());
    }

    [TestMethod]
    public void WhatDescribesAMeasurementGoesToTheProcessThatMeasures()
    {
        SettingTable<BenchSettings> table = BenchSettings.Table();
        string Arguments(BenchSettings settings) => string.Join(' ', settings.Configurations().First().Arguments);
        foreach (string property in table.Properties.Where(name => !OptionCases.SameBits.ContainsKey($"bench {OptionOf(name)}")))
        {
            BenchSettings settings = new();
            if (property == nameof(settings.KeyValueHeadCount)) settings.Family = ModelFamily.Llama;
            if (property == nameof(settings.BasePrecision)) settings.LoraRank = 4;
            string before = Arguments(settings);
            table.Apply(Parse(table, property, settings), settings);
            Assert.AreNotEqual(before, Arguments(settings), property);
        }
    }

    private static void AssertArrives<T>(SettingTable<T> table, Func<T> create) where T : class, new()
    {
        foreach (string name in table.Properties)
        {
            T plain = create(), options = create();
            PropertyInfo property = typeof(T).GetProperty(name)!;
            table.Apply(Parse(table, name, options), options);
            Assert.AreNotEqual(property.GetValue(plain), property.GetValue(options), name);
        }
    }

    /// <summary>Returns a command line with one option, at another value than its default.</summary>
    private static ParseResult Parse<T>(SettingTable<T> table, string property, T options) where T : class, new()
    {
        PropertyInfo info = typeof(T).GetProperty(property)!;
        var command = new RootCommand();
        foreach (Option option in table.Groups.SelectMany(group => group.Options))
        {
            option.Required = false;
            command.Options.Add(option);
        }
        ParseResult parsed = command.Parse([OptionOf(property), Other(info.PropertyType, info.GetValue(options))]);
        Assert.AreEqual(0, parsed.Errors.Count, string.Join(' ', parsed.Errors));
        return parsed;
    }

    private static string Other(Type type, object? value)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(IReadOnlyList<LayerPair>)) return "1:1";
        if (type.IsGenericType && type.GetGenericArguments() is [var item])
            return Other(item, (value as System.Collections.IEnumerable)?.Cast<object>().FirstOrDefault());
        // Where none is set, midpoint takes the first.
        if (type == typeof(Arithmetic)) return "exact";
        if (type.IsEnum) return Kebab.Of(Enum.GetNames(type).First(name => name != (value ?? "").ToString()));
        return type == typeof(bool) ? Equals(value, true) ? "false" : "true"
            : type == typeof(int) ? "17"
            : type == typeof(double) ? "0.625"
            : type == typeof(Scheme) ? "leapfrog"
            : type == typeof(ChatFormat) ? "zephyr"
            : "other";
    }

    private string Output(string verb, params string[] lines)
    {
        using var scratch = new ScratchFolder();
        CliRun run = Run(scratch, verb, lines);
        // Speeds and file names differ between runs.
        string text = $"{run.Code}\n{run.Out}\n{run.Error}".Replace(scratch.FullName, "", StringComparison.Ordinal);
        text = verb is "train" or "retrofit" or "finetune" or "align" ? Number().Replace(text, "#") : Seconds().Replace(text, "#");
        IEnumerable<string> files = Directory.EnumerateFiles(scratch.FullName, "*", SearchOption.AllDirectories)
            .Select(path =>
            {
                string hash = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
                return $"{Path.GetRelativePath(scratch.FullName, path)} {hash}";
            });
        return $"{text}\n{string.Join('\n', files.Order(StringComparer.Ordinal))}";
    }

    private static CliRun Run(ScratchFolder scratch, string verb, params string[] lines) => CliRun.With(
        verb == "chat" ? "the\nfox\n" : "", CancellationToken.None,
    [
        verb, .. lines.SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(word => word
            .Replace("BASE", Chats.Folder, StringComparison.Ordinal)
            .Replace("PAIRS", _shared.File("pairs.jsonl"), StringComparison.Ordinal)
            .Replace("CHATS", _shared.File("chats.jsonl"), StringComparison.Ordinal)
            .Replace("ADAPTER", _shared.File("adapter"), StringComparison.Ordinal)
            .Replace("MODEL", _shared.File("model"), StringComparison.Ordinal)
            .Replace("DATA", _shared.File("text.txt"), StringComparison.Ordinal)
            .Replace("PIQA", _shared.File("piqa.jsonl"), StringComparison.Ordinal)
            .Replace("RUN", scratch.FullName, StringComparison.Ordinal)),
    ]);

    private static string Named(string line) => line.Split(' ')[0];

    /// <summary>The option that a property has; that of ChooseScheme is the one of Scheme with a value.</summary>
    private static string OptionOf(string property) => Kebab.Option(property).Split(' ')[0];

    [GeneratedRegex(@"[0-9][0-9.,e+-]*")]
    private static partial Regex Number();

    [GeneratedRegex(@"""seconds"":[0-9.e+-]+|[0-9.]+ s\b")]
    private static partial Regex Seconds();
}
