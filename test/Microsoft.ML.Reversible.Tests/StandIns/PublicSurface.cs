using System.Globalization;
using System.Reflection;

namespace Microsoft.ML.Reversible.Tests.StandIns;

/// <summary>
/// Lists what an assembly lets a caller see, one line a type or member, in the format of the listings beside this file: documentation
/// ID, then " -> TYPE" for a member that has one, then " | names" for parameters, "= VALUE" after an optional one.
/// </summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    public static IEnumerable<string> Of(Assembly assembly) =>
        assembly.GetExportedTypes().SelectMany(Of).Distinct().Order(StringComparer.Ordinal);

    public static IEnumerable<string> Of(Type type)
    {
        var owner = DocumentationId.OfDefinition(type);
        var fields = type.GetFields(Declared).Where(IsVisible).Select(f => $"F:{owner}.{f.Name} -> {DocumentationId.Of(f.FieldType)}");
        var events = type.GetEvents(Declared).Where(e => IsVisible(e.AddMethod)).Select(e => $"E:{owner}.{e.Name}");
        var properties = type.GetProperties(Declared)
            .Where(p => p.GetAccessors(nonPublic: true).Any(IsVisible))
            .Select(p => $"P:{owner}.{p.Name} -> {DocumentationId.Of(p.PropertyType)}");
        var constructors = type.GetConstructors(Declared)
            .Where(c => !c.IsStatic && IsVisible(c))
            .Select(c => $"M:{owner}.#ctor{Types(c)}{Names(c)}");
        var methods = type.GetMethods(Declared)
            .Where(IsVisible)
            .Select(m => $"M:{owner}.{NameOf(m)}{Types(m)} -> {DocumentationId.Of(m.ReturnType)}{Names(m)}");

        return [$"T:{owner}", .. fields, .. events, .. properties, .. constructors, .. methods];
    }

    private static bool IsVisible(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    private static bool IsVisible(MethodBase? method) => method is { IsPublic: true } or { IsFamily: true } or { IsFamilyOrAssembly: true };

    private static string NameOf(MethodInfo method)
    {
        var name = method.Name.Replace('.', '#');
        return method.IsGenericMethodDefinition ? $"{name}``{method.GetGenericArguments().Length}" : name;
    }

    private static string Types(MethodBase method)
    {
        var types = method.GetParameters().Select(p => DocumentationId.Of(p.ParameterType)).ToArray();
        return types.Length == 0 ? "" : $"({string.Join(',', types)})";
    }

    private static string Names(MethodBase method)
    {
        var names = method.GetParameters().Select(Named).ToArray();
        var text = names.Length == 0 ? "" : $" | {string.Join(", ", names)}";
        return method.GetCustomAttribute<ObsoleteAttribute>() is { IsError: true } ? text + " | obsolete: error" : text;
    }

    private static string Named(ParameterInfo parameter)
    {
        var name = parameter.GetCustomAttribute<ParamArrayAttribute>() is null ? parameter.Name : $"params {parameter.Name}";
        return parameter.HasDefaultValue ? $"{name} = {Written(parameter.DefaultValue)}" : $"{name}";
    }

    private static string Written(object? value) => value switch
    {
        null => "null",
        true => "true",
        false => "false",
        string text => $"\"{text.Replace("\n", "\\n").Replace("\r", "\\r")}\"",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
