using System.Text.Json;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Tests.Retrofit;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class RetrofitVerbTests
{
    private readonly ScratchFolder _folder = new();

    [TestInitialize]
    public void SaveTeacher() => Retrofits.Teacher.SavePretrained(_folder.File("teacher"));

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private string Student => _folder.File("student");

    [TestMethod]
    public void ItWritesAReversibleModelAndShowsHowNearItIsBeforeAndAfter()
    {
        CliRun run = Run();
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.Contains(run.Out, "\nbefore ");
        StringAssert.Contains(run.Out, "\nafter ");
        StringAssert.Contains(run.Out, $"Saved to {Student}");
        StringAssert.Matches(run.Error, new(@"\Ascheme [^\0]*\nbefore [^\0]*\nstep 1/12, "));
        Assert.IsFalse(run.Error.Contains("\nafter ", StringComparison.Ordinal), run.Error);
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(Student);
        Assert.AreEqual(Bdia.Blend(), model.Scheme);
    }

    [TestMethod]
    public void ALossByDistillationIsToldOnce()
    {
        CliRun run = Run("--scheme", "blend:64", "--learning-rate", "0.1", "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.HasCount(2, run.Error.Split("Distillation made the student worse"));
    }

    [TestMethod]
    public void AStudentThatDistillationMakesWorseIsTheOneFromBefore()
    {
        CliRun run = Run("--scheme", "blend:64", "--learning-rate", "0.1", "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.IsTrue(run.Json[^1].GetProperty("distillation_discarded").GetBoolean());
        StringAssert.Contains(run.Error, "Distillation was discarded");
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(Student);
        Assert.IsTrue(Retrofits.Teacher.Network.parameters().Zip(model.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void ASchemeThatNeedsNoDistillationIsOnlyConvertedUnlessAnOptionOfItIsTyped()
    {
        string[] verb =
        [
            "retrofit", "--teacher", _folder.File("teacher"), "--data", CliRun.WriteText(_folder.File("text.txt")), "--out", Student,
            "--context-length", "16", "--batch-size", "4", "--report-windows", "20",
        ];
        CliRun plain = CliRun.Of(verb);
        Assert.AreEqual(0, plain.Code, plain.Error);
        Assert.IsFalse(plain.Out.Contains("\nafter ", StringComparison.Ordinal), plain.Out);
        Assert.HasCount(2, plain.Out.Split("\nbefore "));
        Assert.IsFalse(plain.Error.Contains("\nbefore ", StringComparison.Ordinal), plain.Error);

        CliRun asked = CliRun.Of([.. verb, "--max-epochs", "0.02", "--weight-decay", "0"]);
        Assert.AreEqual(0, asked.Code, asked.Error);
        StringAssert.Contains(asked.Out, "\nafter ");
    }

    [TestMethod]
    public void ItMakesTheModelThatTheLibraryMakes()
    {
        CliRun run = Run("--scheme", "iterated-inverse:a=1,m=2", "--divergence", "jensen-shannon", "--jensen-shannon-weight", "0.3",
            "--temperature", "2", "--cross-entropy-weight", "0.1", "--hidden-state-weight", "0.5", "--layer-map", "2:2,4:4",
            "--freeze-embedding");
        Assert.AreEqual(0, run.Code, run.Error);
        using ReversibleLmTransformer expected = Retrofits.Fit(o =>
        {
            (o.Scheme, o.Divergence, o.JensenShannonWeight) = (new IteratedInverse { A = 1, M = 2 }, Divergence.JensenShannon, 0.3);
            (o.Temperature, o.CrossEntropyWeight, o.HiddenStateWeight, o.LayerMap) = (2, 0.1, 0.5, [new(2, 2), new(4, 4)]);
            (o.MaxSteps, o.WarmupSteps, o.FreezeEmbedding) = (12, 1, true);
        });
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(Student);
        Assert.AreEqual(expected.Scheme, model.Scheme);
        Assert.IsTrue(expected.Network.parameters().Zip(model.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void WithJsonStandardOutputHoldsTheStepsAndThenTheReport()
    {
        CliRun run = Run("--json", "--report-interval", "4");
        Assert.AreEqual(0, run.Code, run.Error);
        CollectionAssert.AreEqual(new[] { 1, 4, 8, 12 }, run.Json[..^1].Select(line => line.GetProperty("step").GetInt32()).ToArray());
        JsonElement report = run.Json[^1];
        Assert.AreEqual(Bdia.Blend().ToString(), report.GetProperty("scheme").GetString());
        foreach (string time in new[] { "before", "after" })
            Assert.IsLessThan(0.1, report.GetProperty(time).GetProperty("kl_per_token").GetDouble(), time);
        StringAssert.Contains(run.Error, "\nafter ");
    }

    [TestMethod]
    public void WithoutDistillationItIsConvertedAndMeasured()
    {
        CliRun run = Convert("--json");
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.IsFalse(run.Json.Single().TryGetProperty("after", out _));
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(Student);
        Assert.IsTrue(Retrofits.Teacher.Network.parameters().Zip(model.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void TheSchemeIsChosenWhereItIsAuto()
    {
        CliRun run = Convert("--json", "--scheme", "Auto", "--max-remainder-gib", "0", "--max-relative-cost", "1");
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement report = run.Json.Single();
        Assert.AreEqual(0, report.GetProperty("bytes_per_activation").GetDouble());
        Assert.IsGreaterThan(5, report.GetProperty("candidates").GetArrayLength());
        Assert.IsNotNull(report.GetProperty("reason").GetString());
    }

    [TestMethod]
    public void AnEarlierStudentIsDistilledFurther()
    {
        Assert.AreEqual(0, Run("--scheme", "blend:4").Code);
        CliRun run = CliRun.Of(
        [
            "retrofit", "--teacher", _folder.File("teacher"), "--student", Student, "--data", _folder.File("text.txt"),
            "--out", _folder.File("further"), .. Quick, "--json", "--teacher-precision", "bfloat16",
        ]);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.AreEqual(Bdia.Blend(4).ToString(), run.Json[^1].GetProperty("scheme").GetString());
    }

    [TestMethod]
    public void ACancelledDistillationGoesOnToTheBit()
    {
        string[] verb = Verb("--json", "--report-interval", "1", "--scheme", "blend:2");
        Assert.AreEqual(0, CliRun.Of(verb).Code);
        byte[] whole = File.ReadAllBytes(Path.Combine(Student, "model.safetensors"));
        Directory.Delete(Student, recursive: true);

        verb = [.. verb, "--checkpoints", _folder.File("run")];
        using var cancel = new CancellationTokenSource();
        using var output = new CancellingWriter(cancel, "\"step\":5,");
        using var error = new StringWriter();
        Assert.AreEqual(130, Reversible.Cli.CommandLine.Run(verb, new Terminal(TextReader.Null, output, error), cancel.Token));
        StringAssert.Contains(
            error.ToString(), $"'{_folder.File("run")}' has the checkpoint of step 5. Continue with: reversible retrofit ");
        Assert.IsFalse(Directory.Exists(Student));

        CliRun again = CliRun.Of(verb);
        Assert.AreEqual(0, again.Code, again.Error);
        Assert.AreEqual(6, again.Json[0].GetProperty("step").GetInt32());
        CollectionAssert.AreEqual(whole, File.ReadAllBytes(Path.Combine(Student, "model.safetensors")));
    }

    [TestMethod]
    [DataRow("--scheme: There is no scheme 'euler'", "--scheme", "euler")]
    [DataRow("--scheme: The iterated inverse's A must be", "--scheme", "iterated-inverse:a=0")]
    [DataRow("--scheme: The iterated inverse's M must be", "--scheme", "iterated-inverse:m=0")]
    [DataRow("--scheme must be a reversible one, and 'residual' is not", "--scheme", "residual")]
    [DataRow("--scheme must be a reversible one, and 'blend:128' is not: it needs K up to 64", "--scheme", "blend:128")]
    [DataRow("--max-remainder-gib has no effect without --scheme auto, whose choice it limits", "--max-remainder-gib", "1")]
    [DataRow("--layer-map must be pairs of layers such as 1:1,2:2, not '1:1,2'", "--layer-map", "1:1,2")]
    [DataRow("--layer-map has no effect if --hidden-state-weight is 0", "--layer-map", "1:1")]
    [DataRow("--layer-map must be within [0, 4]", "--layer-map", "5:1", "--hidden-state-weight", "1")]
    [DataRow("--temperature must be positive", "--temperature", "0")]
    [DataRow("--divergence must be one of forward-kl, reverse-kl, jensen-shannon, not 'mse'", "--divergence", "mse")]
    [DataRow("--context-length is 17, but the models' context is 16 tokens", "--context-length", "17")]
    [DataRow("--validation-fraction must be above 0", "--validation-fraction", "0")]
    [DataRow("--batch-size must be at least 1", "--batch-size", "0")]
    [DataRow("There is no option '--width'", "--width", "32")]
    [DataRow("'tpu' is not one of cpu, cuda and cuda:N", "--teacher-device", "tpu")]
    public void AWrongOptionIsRefusedInALine(string named, params string[] options)
    {
        Run(options).AssertRefused(named);
        Assert.IsFalse(Directory.Exists(Student));
    }

    [TestMethod]
    public void AMissingOrOverwrittenTeacherIsRefused()
    {
        string data = CliRun.WriteText(_folder.File("text.txt")), teacher = _folder.File("teacher");
        CliRun.Of("retrofit", "--data", data, "--out", Student).AssertRefused("'--teacher FOLDER' is missing.");
        CliRun.Of("retrofit", "--teacher", " ", "--data", data, "--out", Student).AssertRefused("--teacher must name a folder.");
        CliRun.Of("retrofit", "--teacher", _folder.File("none"), "--data", data, "--out", Student).AssertRefused("none");
        CliRun.Of("retrofit", "--teacher", teacher, "--data", data, "--out", teacher + "/").AssertRefused("would be overwritten");
        Assert.IsFalse(Directory.Exists(Student));
    }

    private static string[] Quick =>
    [
        "--context-length", "16", "--batch-size", "4", "--max-steps", "12", "--learning-rate", "2e-3", "--seed", "3",
        "--report-windows", "20",
    ];

    private CliRun Run(params string[] options) => CliRun.Of(Verb(options));

    private CliRun Convert(params string[] options) => CliRun.Of(
    [
        "retrofit", "--teacher", _folder.File("teacher"), "--data", CliRun.WriteText(_folder.File("text.txt")), "--out", Student,
        "--context-length", "16", "--batch-size", "4", "--report-windows", "20", "--distill", "false", .. options,
    ]);

    private string[] Verb(params string[] options) =>
    [
        "retrofit", "--teacher", _folder.File("teacher"), "--data", CliRun.WriteText(_folder.File("text.txt")), "--out", Student,
        .. Quick.Chunk(2).Where(pair => !options.Contains(pair[0])).SelectMany(pair => pair), .. options,
    ];
}
