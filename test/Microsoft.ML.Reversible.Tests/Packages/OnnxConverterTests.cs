using System.Text;
using Google.Protobuf;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages;

/// <summary>
/// ML.NET's converter to ONNX asks each view for interfaces that are internal to ML.NET, and takes a view without them for the source of
/// the data. So a model of this library cannot refuse when it is converted; Catalog/OnnxExtensions refuses when a program is compiled.
/// </summary>
[TestClass]
public sealed class OnnxConverterTests
{
    private static readonly string[] _scores = ["LogLikelihood", "Perplexity", "TokenCount"];
    private readonly MLContext _ml = new(seed: 1);

    /// <summary>As long as this holds, README.md and the reference must say that such a model is wrong.</summary>
    [TestMethod]
    public void TheConverterMakesTheScoresOfAModelInputsWithoutAWord()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 1);
        IDataView data = Corpus.View(_ml, "a", "b");
        var warnings = new List<string>();
        _ml.Log += (_, e) =>
        {
            if (e.Kind >= Runtime.ChannelMessageKind.Warning) warnings.Add(e.Message);
        };
        ITransformer last = model;
        ITransformer middle = new TransformerChain<ITransformer>(
            model, _ml.Transforms.Concatenate("Features", "LogLikelihood", "Perplexity").Fit(model.Transform(data)));
        foreach (ITransformer transformer in (ITransformer[])[last, middle])
        {
            using var onnx = new MemoryStream();
            _ml.Model.ConvertToOnnx(transformer, data, onnx);
            CollectionAssert.IsSubsetOf(_scores, Inputs(onnx.ToArray()));
        }
        Assert.IsEmpty(warnings);
    }

    [TestMethod]
    [DataRow("ReversibleLmTransformer", "IDataView", "stream", true)]
    [DataRow("ReversibleLmTransformer", "DataViewSchema", "stream, \"Perplexity\"", true)]
    [DataRow("ReversibleLmTransformer", "DataViewSchema", "12, stream", true)]
    [DataRow("TransformerChain<ReversibleLmTransformer>", "IDataView", "stream", true)]
    [DataRow("TransformerChain<ReversibleLmTransformer>", "DataViewSchema", "12, stream", true)]
    [DataRow("TransformerChain<ColumnConcatenatingTransformer>", "IDataView", "stream", false)]
    [DataRow("ITransformer", "IDataView", "12, stream", false)]
    public void TheCompilerRefusesToConvertAModel(string model, string input, string rest, bool refused)
    {
        string source =
            "using System.IO; using Microsoft.ML; using Microsoft.ML.Data; using Microsoft.ML.Reversible; using Microsoft.ML.Transforms;"
            + $"class A {{ void B(MLContext ml, {model} model, {input} data, Stream stream) => "
            + $"ml.Model.ConvertToOnnx(model, data, {rest}); }}";
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Program", [CSharpSyntaxTree.ParseText(source)], assemblies.Select(path => MetadataReference.CreateFromFile(path)),
            new(OutputKind.DynamicallyLinkedLibrary));
        Diagnostic[] errors = [.. compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error)];
        Assert.HasCount(refused ? 1 : 0, errors, string.Join('\n', errors.AsEnumerable()));
        if (refused) StringAssert.Contains(errors[0].GetMessage(), "cannot be converted to ONNX");
    }

    /// <summary>The names of ModelProto.graph.input, fields 7, 11 and 1.</summary>
    private static string[] Inputs(byte[] onnx) =>
    [
        .. from graph in Messages(onnx, 7)
           from input in Messages(graph, 11)
           from name in Messages(input, 1)
           select Encoding.UTF8.GetString(name),
    ];

    private static IEnumerable<byte[]> Messages(byte[] message, int number)
    {
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == number) yield return input.ReadBytes().ToByteArray();
            else input.SkipLastField();
        }
    }
}
