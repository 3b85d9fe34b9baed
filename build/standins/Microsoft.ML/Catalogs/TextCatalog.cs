using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML;

public static class TextCatalog
{
    public static TextNormalizingEstimator NormalizeText(this TransformsCatalog.TextTransforms catalog, string outputColumnName,
        string inputColumnName = null, TextNormalizingEstimator.CaseMode caseMode = TextNormalizingEstimator.CaseMode.Lower,
        bool keepDiacritics = false, bool keepPunctuations = true, bool keepNumbers = true)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new TextNormalizingEstimator(new InputOutputColumnPair(outputColumnName, inputColumnName), caseMode, keepDiacritics,
            keepPunctuations, keepNumbers);
    }

    public static WordTokenizingEstimator TokenizeIntoWords(this TransformsCatalog.TextTransforms catalog, string outputColumnName,
        string inputColumnName = null, char[] separators = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new WordTokenizingEstimator(new InputOutputColumnPair(outputColumnName, inputColumnName), separators);
    }
}
