using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Tests that no sentence of the library reaches users of the command line in the words of the API.</summary>
[TestClass]
public sealed partial class LibraryTextTests
{
    /// <summary>The beginnings of sentences that no verb can print, and why.</summary>
    private static readonly Dictionary<string, string> _ofPrograms = new()
    {
        ["Models of Microsoft.ML.Reversible cannot be converted to ONNX"] = "no verb converts to ONNX",
        ["mlContext.Model.Save"] = "no verb writes zips",
        ["This model takes 5 MiB; mlContext.Model.Save"] = "no verb writes zips",
        ["This model has no tokenizer, but mlContext.Model.Save"] = "no verb writes zips",
        ["The chat format '5' is a custom one"] = "verbs have the library's formats only",
        ["The tokenizer lacks the tokens 5, which cannot be added to one that is given"] = "verbs read tokenizers from files",
        ["A turn of a conversation must not be null"] = "verbs have no missing turns",
        ["A message must not be null"] = "verbs have no missing messages",
        [" Its 'adapter_model.bin' was written by PyTorch"] = "the names are Python's",
        ["SavePretrained writes the whole model"] = "'finetune' writes adapters of models that have one",
        ["The model has an adapter already"] = "verbs start from folders of whole models",
        ["This pipeline was saved with"] = "no verb reads zips",
        ["The options are those of an alignment with preferences"] = "each verb makes its own options",
        ["'5' is a custom task"] = "no verb takes custom tasks",
        ["The task '5' is a custom one"] = "no verb takes custom tasks",
        ["The task does not list column"] = "no verb takes custom tasks",
        ["The log-likelihoods of task '5' come from"] = "verbs evaluate models of the library",
        ["ZeroShot(task) uses the model"] = "verbs build no pipelines",
        ["The cursor is not on a row"] = "verbs read rows with ML.NET's own methods",
        ["MMLU has no subject"] = "'evaluate' looks tasks up by name",
        ["'5' is a group of 5 tasks"] = "'evaluate' reads groups first",
        ["A request's context and continuation must not be null"] = "verbs have no missing texts",
        ["A text must not be null"] = "verbs have no missing texts",
        ["The scheme '5' cannot be saved"] = "verbs have the library's schemes only",
        ["The option 5 has no text form"] = "the library's own options have one",
        ["A cursor over the input has ended"] = "verbs read files",
        ["No output column is named"] = "verbs add the columns that they read",
        ["The model is evaluated again for rows"] = "verbs read their rows once",
        ["Two cursors over the input give different rows"] = "verbs read files",
        [" Its 'adapter_model.bin' was written by PyTorch"] = "the names are Python's",
        ["SavePretrained writes the whole model."] = "verbs save no adapters",
        ["The model has an adapter already."] = "verbs load one adapter",
        ["in TensorFlow's format"] = "the names are Python's",
        ["The 5 does not tell how many tokens"] = "verbs read tokenizers from files",
        ["A tokenizer given as an instance"] = "verbs read tokenizers from files",
        ["The {0} of Microsoft.ML.Tokenizers makes"] = "verbs read tokenizers from files",
        ["A turn of a conversation must not be null"] = "verbs have no missing texts",
        ["A message must not be null"] = "verbs have no missing texts",
        ["RawRepresentationFactory returned"] = "verbs return what it must",
        ["use a RepetitionPenalty of GenerationOptions"] = "verbs have no such penalties",
        ["NormEpsilon must be"] = "only a config.json sets it",
        ["RopeTheta must be"] = "only a config.json sets it",
    };

    /// <summary>Names that are written so in English, in the files that they are of, or in project files.</summary>
    private static readonly string[] _names =
        ["TorchSharp", "PyTorch", "SentencePiece", "MiB", "GiB", "macOS", "answerKey", "ReversibleOlderLinux", "libLibTorchSharp", "ReLU",
        "SmolLM", "ByteLevel", "ChatML"];

    [TestMethod]
    public void SentencesOfTheLibraryHaveNoApiNamesAfterTranslation()
    {
        string[] found =
        [
            .. from file in LibrarySource.Files()
               from text in Sentences(file.Source)
               where !_ofPrograms.Keys.Any(beginning => text.StartsWith(beginning, StringComparison.Ordinal))
               let shown = Kebab.Translate(text)
               where IsApi(shown)
               select $"{file.Path}: {shown}",
        ];
        Assert.IsEmpty(found, string.Join('\n', found));
    }

    private static bool IsApi(string text) =>
        ApiWord().Matches(text).Any(word => !_names.Contains(word.Value)) || ApiText().IsMatch(text);

    /// <summary>Returns the texts with at least three blanks, joined where they are added, with 5 in place of what is inserted.</summary>
    private static IEnumerable<string> Sentences(string source) =>
        from node in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<ExpressionSyntax>()
        where node.Parent is not BinaryExpressionSyntax
        let text = TextOf(node)
        where text?.Count(c => c == ' ') >= 3
        // What is inserted at the end of a word is empty, or begins with a mark.
        select WordEnd().Replace(text, "");

    private static string? TextOf(ExpressionSyntax node) => node switch
    {
        LiteralExpressionSyntax { Token.Value: string text } => text,
        InterpolatedStringExpressionSyntax parts => string.Concat(parts.Contents.Select(part => part switch
        {
            InterpolatedStringTextSyntax text => text.TextToken.ValueText,
            InterpolationSyntax { Expression: InvocationExpressionSyntax call } when call.Expression.ToString() == "nameof" =>
                call.ArgumentList.Arguments[0].ToString(),
            _ => "5",
        })),
        BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum
            when TextOf(sum.Left) is { } left && TextOf(sum.Right) is { } right => left + right,
        _ => null,
    };

    [GeneratedRegex("(?<=[A-Za-z])5")]
    private static partial Regex WordEnd();

    // A compound name, or a member of a type.
    [GeneratedRegex(@"\b[A-Za-z]+[a-z0-9][A-Z]\w*|\b(?!ML\.NET)[A-Za-z]\w*\.[A-Z]\w*")]
    private static partial Regex ApiWord();

    [GeneratedRegex(@"\b(?:or|be|nor) null\b|= (?:true|false)|\(Parameter '")]
    private static partial Regex ApiText();
}
