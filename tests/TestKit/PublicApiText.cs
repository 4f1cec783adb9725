// The public surface of an assembly as sorted text, one member a line: what a user can name, with types, defaults and nullability left out where they do not
// decide whether a caller still compiles.
using System.Globalization;
using System.Reflection;
using System.Text;

namespace TestKit;

/// <summary>Writes the public types and members of an assembly as text that changes when, and only when, the API changes.</summary>
public static class PublicApiText
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The text, lines ended by '\n'.</summary>
    public static string Of(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Header(type)).Append('\n');
            foreach (string member in Members(type).Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(member).Append('\n');
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Header(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            _ when typeof(Delegate).IsAssignableFrom(type) => "delegate",
            { IsValueType: true } => type.IsDefined(typeof(System.Runtime.CompilerServices.IsReadOnlyAttribute), inherit: false) ? "readonly struct" : "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        List<string> bases = [];
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
        {
            bases.Add(ApiTypeName.Of(parent));
        }

        // Every enumeration has the same interfaces.
        bases.AddRange(type.GetInterfaces().Where(contract => contract.IsPublic && !type.IsEnum).Select(ApiTypeName.Of).Order(StringComparer.Ordinal));
        return $"{kind} {ApiTypeName.Full(type)}{(bases.Count > 0 ? $" : {string.Join(", ", bases)}" : string.Empty)}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        foreach (FieldInfo field in type.GetFields(Declared).Where(field => IsVisible(field.Attributes) && !field.IsSpecialName))
        {
            string constant = field.IsLiteral ? $" = {Literal(field.GetRawConstantValue())}" : string.Empty;
            yield return type.IsEnum ? $"{field.Name}{constant}" : $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : string.Empty)}{(field.IsInitOnly ? "readonly " : string.Empty)}{ApiTypeName.Of(field.FieldType)} {field.Name}{constant}";
        }

        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(constructor => !constructor.IsStatic && IsVisible(constructor)))
        {
            yield return $"{Access(constructor)}new({Parameters(constructor)})";
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo? getter = property.GetMethod is { } get && IsVisible(get) ? get : null;
            MethodInfo? setter = property.SetMethod is { } set && IsVisible(set) ? set : null;
            if ((getter ?? setter) is { } accessor)
            {
                bool isInit = setter?.ReturnParameter.GetRequiredCustomModifiers().Any(modifier => modifier.Name == "IsExternalInit") == true;
                string index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(Parameter))}]" : string.Empty;
                yield return $"{Access(accessor)}{Modifiers(accessor)}{ApiTypeName.Of(property.PropertyType)} {property.Name}{index} {{{(getter is null ? string.Empty : " get;")}{(setter is null ? string.Empty : isInit ? " init;" : " set;")} }}";
            }
        }

        foreach (MethodInfo method in type.GetMethods(Declared).Where(method => IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) && !IsCompilerMade(method)))
        {
            string generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : string.Empty;
            yield return $"{Access(method)}{Modifiers(method)}{ApiTypeName.Of(method.ReturnType)} {method.Name}{generic}({Parameters(method)})";
        }

        foreach (EventInfo happening in type.GetEvents(Declared).Where(happening => happening.AddMethod is { } add && IsVisible(add)))
        {
            yield return $"event {ApiTypeName.Of(happening.EventHandlerType!)} {happening.Name}";
        }
    }

    // Records bring members that their header already tells about.
    private static bool IsCompilerMade(MethodInfo method) =>
        method.Name.Contains('<', StringComparison.Ordinal) || method.Name == "PrintMembers" || (method.Name != "op_Equality" && method.Name != "op_Inequality" && method.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), inherit: false));

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsVisible(FieldAttributes attributes) =>
        (attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static string Access(MethodBase method) => method.IsPublic ? string.Empty : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        if (method.IsStatic)
        {
            return "static ";
        }

        if (!method.IsVirtual || method.IsFinal || method.DeclaringType!.IsInterface)
        {
            return string.Empty;
        }

        return method.IsAbstract ? "abstract " : method.GetBaseDefinition() != method ? "override " : "virtual ";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string direction = parameter switch
        {
            { IsOut: true } => "out ",
            { IsIn: true, ParameterType.IsByRef: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ => string.Empty,
        };
        string optional = parameter.HasDefaultValue ? $" = {(parameter.DefaultValue is null && parameter.ParameterType.IsValueType ? "default" : Literal(parameter.DefaultValue))}" : string.Empty;
        return $"{direction}{ApiTypeName.Of(parameter.ParameterType)} {parameter.Name}{optional}";
    }

    private static string Literal(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "null",
    };
}
