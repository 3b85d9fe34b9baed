using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>The tables from options of the command line to properties of the library.</summary>
[TestClass]
public sealed class SettingsTests
{
    private static readonly Terminal Nowhere = new(TextReader.Null, TextWriter.Null, TextWriter.Null);

    [TestMethod]
    public void EveryOptionOfTheTrainerIsReachableOrLeftOutOnPurpose() => CollectionAssert.AreEquivalent(
        typeof(ReversibleLmTrainer.Options).GetProperties().Select(property => property.Name).ToArray(),
        TrainSettings.Table().Properties.Concat(TrainSettings.LeftOut.Keys).ToArray());

    [TestMethod]
    public void EveryOptionOfTheRetrofitIsReachableOrLeftOutOnPurpose() => CollectionAssert.AreEquivalent(
        typeof(RetrofitEstimator.Options).GetProperties().Select(property => property.Name).ToArray(),
        RetrofitSettings.Table().Properties.Concat(RetrofitSettings.LeftOut.Keys).ToArray());

    [TestMethod]
    public void WhatIsNotTypedStaysAtTheRetrofitsDefault()
    {
        SettingTable<RetrofitEstimator.Options> table = RetrofitSettings.Table();
        var command = new RootCommand();
        foreach (Option option in table.Groups.SelectMany(group => group.Options)) command.Options.Add(option);
        RetrofitEstimator.Options read = RetrofitSettings.Read(table, command.Parse("--teacher t")), expected = new();
        Assert.AreEqual("t", read.TeacherPath);
        foreach (PropertyInfo property in typeof(RetrofitEstimator.Options).GetProperties())
            if (property.Name is not nameof(read.TeacherPath))
                Assert.AreEqual(property.GetValue(expected), property.GetValue(read), property.Name);
    }

    [TestMethod]
    public void TheHelpOfARetrofitShowsTheDefaultsOfItsTraining()
    {
        string help = string.Join(' ', CliRun.Of("retrofit", "--help").Out.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        StringAssert.Contains(help, "at least 1. Default: 500, without a limit if --max-epochs is given.");
        StringAssert.Contains(help, "a tenth of that number, at most 50.");
        StringAssert.Contains(help, "Default: 0.0003.");
        StringAssert.Contains(help, "--teacher-path, --teacher FOLDER (required)");
    }

    [TestMethod]
    public void AnOptionThatNoTableNamesIsReachableWithTheLibrarysWords()
    {
        var table = new SettingTable<ReversibleLmTrainer.Options>().AddOthers(TrainSettings.LeftOut.Keys);
        CollectionAssert.AreEquivalent(TrainSettings.Table().Properties.ToArray(), table.Properties.ToArray());
        Assert.AreEqual(3e-4, table.Read(Parse(table, "--learning-rate", "3e-4")).LearningRate);
        string description = table.Groups.Single().Options.Single(option => option.Name == "--max-grad-norm").Description!;
        Assert.AreEqual("The global norm that gradients are clipped to, at least 0; 0 means not to clip. Default: 1.", description);
    }

    [TestMethod]
    public void EveryOptionOfGenerationIsReachable() => CollectionAssert.AreEquivalent(
        typeof(GenerationOptions).GetProperties().Select(property => property.Name).ToArray(),
        GenerateVerb.Settings().Properties.ToArray());

    [TestMethod]
    public void WhatIsNotTypedStaysAtTheLibrarysDefault()
    {
        SettingTable<ReversibleLmTrainer.Options> table = TrainSettings.Table();
        ReversibleLmTrainer.Options read = table.Read(Parse(table)), expected = new();
        foreach (PropertyInfo property in typeof(ReversibleLmTrainer.Options).GetProperties())
            Assert.AreEqual(property.GetValue(expected), property.GetValue(read), property.Name);
    }

    [TestMethod]
    [DataRow(nameof(ReversibleLmTrainer.Options.LayerCount), "--layer-count", "7", 7)]
    [DataRow(nameof(ReversibleLmTrainer.Options.LearningRate), "--learning-rate", "2.5e-4", 2.5e-4)]
    [DataRow(nameof(ReversibleLmTrainer.Options.MaxEpochs), "--max-epochs", "0.5", 0.5)]
    [DataRow(nameof(ReversibleLmTrainer.Options.BackwardMode), "--backward-mode", "checkpointed", BackwardMode.Checkpointed)]
    [DataRow(nameof(ReversibleLmTrainer.Options.Activation), "--activation", "gelu-tanh", Activation.GeluTanh)]
    [DataRow(nameof(ReversibleLmTrainer.Options.Precision), "--precision", "BFloat16", Precision.BFloat16)]
    [DataRow(nameof(ReversibleLmTrainer.Options.Seed), "--seed", "-3", -3)]
    [DataRow(nameof(ReversibleLmTrainer.Options.Device), "--device", "cuda:1", "cuda:1")]
    public void AValueArrivesAtItsProperty(string property, string option, string text, object expected)
    {
        SettingTable<ReversibleLmTrainer.Options> table = TrainSettings.Table();
        object? actual = typeof(ReversibleLmTrainer.Options).GetProperty(property)!.GetValue(table.Read(Parse(table, option, text)));
        Assert.AreEqual(expected, actual);
    }

    [TestMethod]
    [DataRow("LearningRate", "learning-rate")]
    [DataRow("BFloat16", "bfloat16")]
    [DataRow("TopK", "top-k")]
    [DataRow("Gpt2", "gpt2")]
    [DataRow("MaxGradNorm", "max-grad-norm")]
    [DataRow("MaxRemainderGiB", "max-remainder-gib")]
    public void NamesBecomeKebabCase(string name, string expected) => Assert.AreEqual(expected, Kebab.Of(name));

    [TestMethod]
    [DataRow("HeadCount must divide Width, which is 32.", "--head-count must divide --width, which is 32.")]
    [DataRow("ContextLength is 17; the Teacher has 16.", "--context-length is 17; the Teacher has 16.")]
    [DataRow("MaxRemainderGiB is for ChooseScheme.", "--max-remainder-gib is for --scheme auto.")]
    [DataRow("Schedule was Cosine and is now Linear; DocumentBoundaries was PackOver and is now Respect.",
        "--schedule was cosine and is now linear; --document-boundaries was pack-over and is now respect.")]
    [DataRow("Epsilon was 1E-08 and is now 1E-07", "--epsilon was 1E-08 and is now 1E-07")]
    [DataRow("BackwardMode must be Stored or Checkpointed, not Reversible.",
        "--backward-mode must be stored or checkpointed, not reversible.")]
    [DataRow("Convert without it (Distill = false), or set Family to Llama.",
        "Convert without it (--distill false), or set --family to llama.")]
    [DataRow("CheckpointFolder must be a path, or null.", "--checkpoint-folder must be a path.")]
    [DataRow("Exact arithmetic and Deterministic attention in the Llama family.",
        "Exact arithmetic and --deterministic attention in the Llama family.")]
    [DataRow("Deterministic attention needs it. Scheme must be 'Float Width'.",
        "Deterministic attention needs it. --scheme must be 'Float Width'.")]
    [DataRow("use 'cpu', or set MLContext.FallbackToCpu.", "use 'cpu', or set --fallback-to-cpu.")]
    [DataRow("'Width/config.json' lacks the width", "'Width/config.json' lacks the width")]
    public void MessagesNameOptionsAsTheyAreTyped(string message, string expected) => Assert.AreEqual(expected, Kebab.Translate(message));

    [TestMethod]
    public void NoTwoOptionsOfAVerbShareAName()
    {
        foreach (Verb verb in Reversible.Cli.CommandLine.Verbs(Nowhere))
        {
            string[] names = [.. verb.Command.Options.SelectMany(option => option.Aliases.Append(option.Name))];
            CollectionAssert.AllItemsAreUnique(names, verb.Command.Name);
        }
    }

    [TestMethod]
    public void TheHelpOfEachVerbShowsEveryOptionWithItsDefaultAndExamplesThatParse()
    {
        foreach (Verb verb in Reversible.Cli.CommandLine.Verbs(Nowhere))
        {
            CliRun help = CliRun.Of(verb.Command.Name, "--help");
            Assert.AreEqual((0, ""), (help.Code, help.Error));
            foreach (Option option in verb.Command.Options)
            {
                StringAssert.Contains(help.Out, $"  {option.Name}");
                Assert.IsTrue(option.Description!.EndsWith('.'), option.Name);
            }
            Assert.IsTrue(help.Out.Split('\n').Where(line => !line.StartsWith("    reversible")).All(line => line.Length <= 120), help.Out);
            Assert.IsGreaterThan(1, verb.Examples.Count);
            foreach ((_, string example) in verb.Examples)
            {
                StringAssert.Contains(help.Out, $"reversible {example}");
                string[] words = [.. CommandLineParser.SplitCommandLine(example.Split([" > ", " < "], default)[0])];
                Assert.AreEqual(verb.Command.Name, words[0]);
                Assert.AreEqual(0, verb.Command.Parse(words[1..]).Errors.Count, example);
            }
        }
    }

    private static ParseResult Parse(SettingTable<ReversibleLmTrainer.Options> table, params string[] arguments)
    {
        var command = new RootCommand();
        foreach (Option option in table.Groups.SelectMany(group => group.Options)) command.Options.Add(option);
        ParseResult parsed = command.Parse(arguments);
        Assert.AreEqual(0, parsed.Errors.Count, string.Join(' ', parsed.Errors));
        return parsed;
    }
}
